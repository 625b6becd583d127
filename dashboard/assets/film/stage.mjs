// What is shown of the film: the moment, by what is known, the range, whose. No DOM in here.

import { choicesOf } from "./address.mjs";
import { stepOf, usualSpeed, within } from "./clock.mjs";
import { differences, goTo, nextEvent, stateOf } from "./film.mjs";

/** `knew` and what follows it as in the address. */
export const stage = {
  film: null, was: null, then: null, t: 0, knew: null, range: null, list: "all", loop: false, pinned: null,
  speed: 0, playing: false, sort: "first",
};

const knownAt = (knew, t) => (knew === "then" ? t : knew);

/** Take in a film, with two states of it: as it was, and as it was known. */
export function begin(film) {
  const { t } = stage;
  const first = stage.film === null;
  Object.assign(stage, { film, was: stateOf(film), then: stateOf(film), pair: stateOf(film) });
  go(first ? film.now : t);
}

/** The first and the last moment that can be shown. */
export const whole = () => [stage.film.from, stage.film.now];
export const range = () => stage.range ?? whole();

/** The state that is shown, and the one that it is compared with. */
export const shown = () => (stage.knew === null ? stage.was : stage.then);
export const other = () => (stage.knew === null ? stage.then : stage.was);

export function go(t) {
  stage.t = Math.round(within(whole(), t));
  goTo(stage.was, stage.t, null);
  goTo(stage.then, stage.t, knownAt(stage.knew, stage.t) ?? stage.t);
}

/** The pinned moment as a state; null where none is pinned. */
export function pinned() {
  const { pinned: pin, pair } = stage;
  return pin && goTo(pair, pin.at, knownAt(pin.knew, pin.at));
}

export const step = (by, larger) => go(stage.t + by * stepOf(range(), larger));

/** The next event within the range, in a direction; null when there is none. */
export function eventAfter(t, way) {
  const next = nextEvent(stage.film, t, way, stage.knew !== null);
  const [from, to] = range();
  return next !== null && next >= from && next <= to ? next : null;
}

/** The accounts in which what was and what was known differ, by place. */
export function differing() {
  const all = differences(stage.was, stage.then);
  const on = listed();
  return on ? all.filter((d) => on.has(d.account.i)) : all;
}

/** The places of the accounts on the chosen list; null for all. */
export function listed() {
  if (stage.list === "all") return null;
  return new Set((stage.film.members.get(Number(stage.list)) ?? []).map((m) => m.account));
}

/** The accounts of a state that the choice leaves. */
export const accountsOf = (state) => (stage.list === "all" ? state.accounts : state.members(Number(stage.list)));

/** Take over what an address says; what it does not say is as usual. */
export function adopt(search) {
  const { at, ...choices } = choicesOf(search);
  const speedOf = JSON.stringify(stage.range);
  Object.assign(stage, choices, { playing: false });
  if (!stage.film.lists.some((l) => String(l.id) === stage.list)) stage.list = "all";
  if (stage.range) {
    const [from, to] = stage.range.map((t) => within(whole(), t));
    stage.range = to > from ? [from, to] : null;
  }
  if (!stage.speed || speedOf !== JSON.stringify(stage.range)) stage.speed = usualSpeed(range());
  go(at ?? stage.film.now);
}

/** Choose a range; null for all of the film. The moment stays within it. */
export function choose(chosen) {
  const [from, to] = chosen ?? whole();
  stage.range = chosen && to - from >= 1_000 ? [Math.round(from), Math.round(to)] : null;
  stage.speed = usualSpeed(range());
  go(within(range(), stage.t));
}
