// The replay film: all that is stored, so that any moment is shown without asking the server. Pure, no DOM.
//
//     const film = openFilm(await answer.arrayBuffer());  // of GET /api/replay
//     const state = stateOf(film);                        // what the Live page calls its state; one for each picture
//     goTo(state, t);                                     // as it was at t, by what is known now
//     goTo(state, t, t);                                  // as it was known at t
//     drawLane(g, state, state.accounts[0], ...);         // and every other drawing of Live
//
// Times are whole milliseconds since 1970. What happened within a millisecond counts as known at its end.

import { binsOf } from "../board/bins.mjs";
import { unpack } from "../shell/columnar.mjs";
import { filmOf } from "./columns.mjs";
import { Moment } from "./moment.mjs";
import { after, upTo } from "./sorted.mjs";

export { differences } from "./difference.mjs";
export { filmOf };

/**
 * The film that the server sent.
 *
 * @param {ArrayBuffer} buffer - the answer of `GET /api/replay`, unzipped (which fetch does)
 * @returns {object} `from` and `now` are its first and its last moment, `accounts` how many it knows, `lists`,
 *   `orders` and `executives` all that there ever were. Everything else of it is asked for by the functions here.
 */
export function openFilm(buffer) {
  const { snapshot, news } = unpack(buffer);
  return filmOf(snapshot, news);
}

/**
 * A state as the Live page's drawings take it ({accounts, byId, changes, mails, signals, orders, events, lists,
 * executives, kpis, now, gapAfter, lastRead, ...}), which `goTo` moves. It begins at the end of the film. Beside what
 * a state of Live has:
 *
 * - `knownAt` null (by what is known now) or the time of which the knowledge is
 * - `counts` {A, P, W, S, G, D, N, U, first, n}: accounts by status; U was not checked, of `first` no state was
 *   confirmed yet, n is all of them
 * - `byStatus` by status ("first" for none confirmed) [accounts, of them not read in the last two sweeps]: what
 *   `blockline status --at` counts
 * - `countries` [[code, accounts withheld there, of them not read lately]], the most first
 * - `compliance` for each order {order, named, onList, watched, read, ever, before, now, stale, restored, gone}
 * - `feedKey` changes only when what a feed shows may have changed; `feedSpan` is how far back `changes` reaches
 *   from the moment (a week unless set): what is older has lanes and counts but is not in the feed
 *
 * Nothing in it is of later than the moment. Its accounts are the same objects for as long as the film is open.
 *
 * @returns {Moment}
 * @param {Film} film
 */
export const stateOf = (film) => new Moment(film);

/**
 * Move a state to a moment. It costs nothing by itself: what is asked for is counted then, and kept until the next move.
 *
 * @param {Moment} state
 * @param {number} t - the moment; times beyond the film are its ends
 * @param {number|null} k - null: as it was by what is known now; else as it was known at that time. Of a moment
 *   after `k` nothing was known, so that `k` itself is shown.
 * @returns {Moment} the state
 */
export function goTo(state, t, k = null) {
  return state.move(t, k);
}

/**
 * Confirmed blocks and restorations of [from, to] in each bin, as known now: for the strip.
 *
 * @param {Film} film @param {Span} window @returns {Flows}
 */
export function density(film, [from, to]) {
  const bins = binsOf([from, to]);
  const out = { bins, blocked: new Int32Array(bins.n), restored: new Int32Array(bins.n) };
  const { changes } = film;
  const end = after(changes.seen, to);
  for (let j = after(changes.seen, from - 1); j < end; j++) {
    if (!changes.stands[j] || changes.outcome[j] !== "confirmed") continue;
    const of = changes.kind[j] === "block" ? out.blocked : changes.kind[j] === "restoration" ? out.restored : null;
    if (of) of[Math.floor((changes.seen[j] - bins.start) / bins.step)] += 1;
  }
  return out;
}

/**
 * The next moment at which something happened: a change was first seen, a mail was written, an order or notice became
 * known. Of what was known (`asKnown`) a change happens when it is recorded, and again when it is decided. Null when there
 * is none in that direction: `way` is 1 forwards, -1 backwards.
 * @param {Film} film @param {number} t @param {number} way @param {boolean} asKnown
 */
export function nextEvent(film, t, way, asKnown = false) {
  const times = film.events[asKnown ? "known" : "was"];
  const i = way > 0 ? after(times, t) : upTo(times, t) - 1;
  return i >= 0 && i < times.length ? times[i] : null;
}
