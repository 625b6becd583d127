// The clock of the film: its moment, its speed and its end. The caller passes how much time went by. Pure.

import { count, DAY, duration, HOUR, MINUTE } from "../shell/time.mjs";

/** Milliseconds of the film in one of the reader's. */
export const SPEEDS = [1, 10, 60, 600, 3_600, 10_000, 86_400, 604_800, 2_592_000];
/** A range is played in about so long, unless the reader says otherwise. */
const USUAL_MS = 60_000;
/** A step of an arrow is about so much of the range; with Shift it is ten times that. */
const STEPS = 100;
const LARGER = 10;
const NICE = [1_000, 10_000, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY];

/** "60×, 1 min a second" @param {number} speed */
export function speedWords(speed) {
  const factor = `${count(speed)}×`;
  if (speed < 60) return factor;
  const [name, unit] = Object.entries({ d: 86_400, h: 3_600, min: 60 }).find(([, s]) => speed % s === 0) ?? ["", 1];
  return `${factor}, ${name ? `${speed / unit} ${name}` : duration(speed * 1000)} a second`;
}

/** The slowest speed that shows the range in about a minute. @param {Span} of */
export function usualSpeed([from, to]) {
  return SPEEDS.find((speed) => (to - from) / speed <= USUAL_MS) ?? SPEEDS[SPEEDS.length - 1];
}

/** The next speed, faster (1) or slower (-1). @param {number} speed @param {number} by */
export function otherSpeed(speed, by) {
  const i = SPEEDS.indexOf(speed);
  return SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, i + by))];
}

/** How far an arrow goes in a range. @param {Span} of @param {boolean} [larger] */
export function stepOf([from, to], larger = false) {
  const wanted = (to - from) / STEPS;
  const step = NICE.findLast((nice) => nice <= wanted) ?? NICE[0];
  return larger ? step * LARGER : step;
}

/** @param {Span} of @param {number} t */
export const within = ([from, to], t) => Math.max(from, Math.min(to, t));

/**
 * Where the film stands after `ms` milliseconds: {t, playing}. `play` = {t, range: [from, to], speed, loop}. At its end it stops
 * there, or begins anew where it loops.
 * @param {{ t: number, range: Span, speed: number, loop: boolean }} of @param {number} ms
 */
export function advanced({ t, range: [from, to], speed, loop }, ms) {
  const next = Math.max(t, from) + ms * speed;
  if (next < to) return { t: next, playing: true };
  if (!loop || to <= from) return { t: to, playing: false };
  return { t: from + ((next - to) % (to - from)), playing: true };
}

/**
 * For who wants less motion: from event to event. `next(t)` is the time of the one after t, or null.
 * @param {{ t: number, range: Span, loop: boolean }} of @param {(t: number) => number | null} next
 */
export function stepped({ t, range: [from, to], loop }, next) {
  const at = next(Math.max(t, from - 1));
  if (at !== null && at <= to) return { t: at, playing: true };
  if (loop && to > from) return { t: from, playing: true };
  return { t: to, playing: false };
}
