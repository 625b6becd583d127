// The time window of the board, and what becomes of it when somebody zooms or pans. Pure.

import { RANGES, windowOf } from "../board/state.mjs";
import { MINUTE } from "../shell/time.mjs";

/** A window is never shorter. */
const LEAST = 10 * MINUTE;
/** How far the window goes beyond now, of its length: what just changed stays visible. */
const AHEAD = 0.02;

/**
 * The window that is shown: of the preset, or the reader's own; one without an end ends now, and moves along.
 * @param {State} state @param {Pick<View, "span" | "range">} view @returns {Span}
 */
export function shownWindow(state, view) {
  if (!view.span) return windowOf(state, view.range);
  const { from, to } = view.span;
  return [from, to ?? state.now + (state.now - from) * AHEAD];
}

/** The earliest time that there is something to see of. @param {State} state */
export const beginning = (state) => windowOf(state, "all")[0];

/** @param {Span} of @param {number} factor @param {number} at @returns {Span} */
export const zoomed = ([from, to], factor, at) => [at - (at - from) * factor, at + (to - at) * factor];

/** @param {Span} of @param {number} by @returns {Span} */
export const panned = ([from, to], by) => [from + by, to + by];

/** The window {from, to} within what there is to see; `to` is null when it reaches now. @param {State} state @param {Span} of @returns {{ from: number, to: number | null }} */
export function bounded(state, [from, to]) {
  const first = beginning(state);
  const most = (state.now - first) * (1 + AHEAD);
  const span = Math.min(Math.max(to - from, LEAST), most);
  const middle = (from + to) / 2;
  let start = Math.max(first, to - from === span ? from : middle - span / 2);
  if (start + span < state.now) return { from: Math.round(start), to: Math.round(start + span) };
  start = Math.max(first, state.now - span / (1 + AHEAD));
  return { from: Math.round(start), to: null };
}

/** Whether the page holds all of the window: what was read before it is not loaded yet. @param {State} state @param {Span} of */
export const holds = (state, [from]) => from >= state.from || (state.earliest ?? state.from) >= state.from;

/** The shortest range that holds a time; of one that lies before all of them, everything. @param {State} state @param {number} from @returns {RangeName} */
export function rangeFor(state, from) {
  return /** @type {RangeName[]} */ (Object.keys(RANGES)).find((name) => from >= state.now - RANGES[name]) ?? "all";
}
