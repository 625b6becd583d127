// What is shown of the film: the moment, by what is known, the range, whose. No DOM in here.

import { differences, filmOf, goTo, nextEvent, stateOf } from "../film/film.mjs";
import { mergeNews } from "../film/news.mjs";
import { only } from "../film/only.mjs";
import { behind } from "../shell/behind.mjs";
import { unpack } from "../shell/columnar.mjs";
import { choicesOf } from "./address.mjs";
import { stepOf, usualSpeed, within } from "./clock.mjs";

/**
 * `knew` and what follows it as in the address. `film` is of the chosen list, `lists` are all that can be chosen. `was` and `then` are
 * states of the moment, by what is known now and by what was known.
 */
export const stage = /** @type {Stage} */ (/** @type {unknown} */ ({
  snapshot: null, films: new Map(), lists: [], film: null, was: null, then: null,
  t: 0, knew: null, range: null, list: "all", loop: false, pinned: null, fit: true, speed: 0, playing: false, held: false, sort: "first",
}));

/** The state of the pinned moment: made when one is pinned. @type {Moment | null} */
let pair = null;

/** @param {Knew} knew @param {number} t */
const knownAt = (knew, t) => (knew === "then" ? t : knew);

/** Take in the answer of the server. @param {ArrayBuffer} buffer */
export function begin(buffer) {
  const { snapshot, news } = unpack(buffer);
  stage.snapshot = news ? mergeNews(snapshot, news) : snapshot;
  stage.films.clear();
  const { lists, orders } = stage.snapshot;
  stage.lists = lists.map((l) => [String(l.id), orders.findLast((o) => o.list === l.id)?.title ?? l.name]);
  const isNew = !stage.film;
  cast();
  go(isNew ? stage.film.now : stage.t);
}

/** The film of the chosen list. */
function cast() {
  const { snapshot, films, list } = stage;
  if (!films.has(list)) {
    const film = filmOf(list === "all" ? snapshot : only(snapshot, Number(list)));
    films.set(list, { film, was: stateOf(film), then: stateOf(film) });
  }
  Object.assign(stage, films.get(list));
}

/** The first and the last moment that can be shown. @returns {Span} */
export const whole = () => [stage.film.from, stage.film.now];
export const range = () => stage.range ?? whole();

/** The name of the accounts that are shown. */
export const listName = () => stage.lists.find(([id]) => id === stage.list)?.[1] ?? "All accounts";

/** Of which accounts the figures of the film are. */
export const scope = () => `moment/${stage.list}`;

/** The page Accounts with those behind a figure of the moment; null where nothing was known of it yet. @param {string} figure */
export function address(figure) {
  const known = knownAt(stage.knew, stage.t) ?? stage.film.now;
  return known < stage.t ? null : behind(figure, known);
}

/** The state that is shown, and the one that it is compared with. */
export const shown = () => (stage.knew === null ? stage.was : stage.then);
export const other = () => (stage.knew === null ? stage.then : stage.was);

/** @param {number} t */
export function go(t) {
  stage.t = Math.round(within(whole(), t));
  goTo(stage.was, stage.t, null);
  goTo(stage.then, stage.t, knownAt(stage.knew, stage.t) ?? stage.t);
}

/** Choose the list whose accounts are shown. @param {string} list */
export function chooseList(list) {
  stage.list = stage.lists.some(([id]) => id === list) ? list : "all";
  cast();
  go(stage.t);
}

/** The pinned moment as a state; null where none is pinned. */
export function pinned() {
  const { pinned: pin, film } = stage;
  if (!pin) return null;
  const state = pair?.film === film ? pair : (pair = stateOf(film));
  return goTo(state, pin.at, knownAt(pin.knew, pin.at));
}

/** @param {number} by @param {boolean} larger */
export const step = (by, larger) => go(stage.t + by * stepOf(range(), larger));

/** The next event within the range, in a direction; null when there is none. @param {number} t @param {number} way */
export function eventAfter(t, way) {
  const next = nextEvent(stage.film, t, way, stage.knew !== null);
  const [from, to] = range();
  return next !== null && next >= from && next <= to ? next : null;
}

/** The accounts in which what was and what was known differ. */
export const differing = () => differences(stage.was, stage.then);

/** Take over what an address says; what it does not say is as usual. @param {string} search */
export function adopt(search) {
  const { at, list, ...choices } = choicesOf(search);
  Object.assign(stage, choices, { playing: false });
  if (stage.range) {
    const [from, to] = [within(whole(), stage.range[0]), within(whole(), stage.range[1])];
    stage.range = to > from ? [from, to] : null;
  }
  stage.speed = usualSpeed(range());
  stage.t = at ?? stage.snapshot.now;
  chooseList(list);
}

/** Choose a range; null for all of the film. The moment stays within it. @param {Span | null} chosen */
export function choose(chosen) {
  const [from, to] = chosen ?? whole();
  stage.range = chosen && to - from >= 1_000 ? [Math.round(from), Math.round(to)] : null;
  stage.speed = usualSpeed(range());
  go(within(range(), stage.t));
}
