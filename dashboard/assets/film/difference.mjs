// What differs between what is known now and what was known at a moment.

import { LETTERS } from "../board/state.mjs";

/**
 * The accounts of which two states of one film and one moment tell something else: `was` (by what is known now) and
 * `then` (as it was known at the time).
 * @param {Moment} was @param {Moment} then @returns {Difference[]}
 */
export function differences(was, then) {
  /** @type {Difference[]} */
  const out = [];
  for (let i = 0; i < was.here.length; i++) {
    if (!was.here[i]) continue;
    const [a, b] = [shownStatus(was, i), shownStatus(then, i)];
    if (a.s === b.s && a.w === b.w) continue;
    out.push({ account: was.all[i], was: a, then: b, ...causeOf(was, then, i) });
  }
  return out;
}

/** The status shown of an account, by its place: {s, w}. @param {Moment} state @param {number} i @returns {ShownStatus} */
export function shownStatus(state, i) {
  const v = state.current[i];
  if (v < 0) return { s: "first", w: "nothing confirmed" };
  if (state.now - state.lastOf(i) > state.gapAfter) return { s: "U", w: "not checked" };
  return { s: LETTERS[state.film.spells.s[v]], w: state.film.words[state.film.spells.w[v]] };
}

/** @param {Moment} was @param {Moment} then @param {number} i @returns {Pick<Difference, "recorded" | "why">} */
function causeOf(was, then, i) {
  const { spells, changes, reads } = was.film;
  const [a, b] = [was.current[i], then.current[i]];
  const isSame = a >= 0 && b >= 0 && spells.s[a] === spells.s[b] && spells.w[a] === spells.w[b];
  if (isSame || a < 0) return { recorded: reads.readLate(i, was.now, then.by, was.gapAfter), why: "read later" };
  let recorded = spells.known[a];
  for (let v = spells.start[i]; v < spells.start[i + 1]; v++) {
    const says = spells.from[v] <= was.now && was.now < spells.to[v] && spells.s[v] === spells.s[a] && spells.w[v] === spells.w[a];
    if (says && spells.known[v] > then.by) recorded = Math.min(recorded, spells.known[v]);
  }
  const place = changes.place.get(spells.change[a]);
  const isOnRecord = place !== undefined && changes.recorded[place] <= then.by;
  return { recorded, why: isOnRecord ? "confirmed later" : "recorded later" };
}
