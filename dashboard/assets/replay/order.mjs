// In which order the lanes are. It does not change while the film plays, so that an eye can follow a lane.

import { byHandle } from "../board/posts.mjs";
import { range, stage } from "./stage.mjs";

const alphabet = byHandle(new Intl.Collator().compare);
/** @type {{ key: string, film: Film | null, places: number[] }} */
let kept = { key: "", film: null, places: [] };

/** When the first change of an account is seen in a range, and how many are. @param {Film} film @param {number} i @param {Span} of */
function changesIn(film, i, [from, to]) {
  const { start, order } = film.changesOf;
  let first = Infinity;
  let n = 0;
  for (let k = start[i]; k < start[i + 1]; k++) {
    const j = order[k];
    if (!film.changes.stands[j] || film.changes.seen[j] < from || film.changes.seen[j] > to) continue;
    n += 1;
    first = Math.min(first, film.changes.seen[j]);
  }
  return [first, n];
}

/**
 * The places of the accounts that ever were watched. `differing`: those that come first where that is chosen.
 * @param {Map<number, Difference>} differing
 */
export function placesShown(differing) {
  const { film, sort } = stage;
  const span = range();
  const late = sort === "differ" ? [...differing.keys()] : [];
  const key = [sort, ...span, ...late].join();
  if (kept.key === key && kept.film === film) return kept.places;
  const places = Array.from({ length: film.watched }, (_, i) => i);
  if (sort === "handle") places.sort((a, b) => alphabet(film.accounts[a], film.accounts[b]));
  else {
    const changes = /** @type {Sure<number, number[]>} */ (new Map(places.map((i) => [i, changesIn(film, i, span)])));
    /** @param {number} i */
    const first = (i) => changes.get(i)[0];
    /** @param {number} a @param {number} b */
    const earlier = (a, b) => (first(a) === first(b) ? a - b : first(a) - first(b));
    /** @param {number} i */
    const differs = (i) => Number(differing.has(i));
    if (sort === "most") places.sort((a, b) => changes.get(b)[1] - changes.get(a)[1] || earlier(a, b));
    else if (sort === "differ") places.sort((a, b) => differs(b) - differs(a) || earlier(a, b));
    else places.sort(earlier);
  }
  kept = { key, film, places };
  return places;
}
