// The bins that blocks and restorations are counted in. Only the window decides them, so that it has the same peaks on
// every screen and in every file. storage/model/text/time_bins.py decides the same for stories. Pure.

import { DAY, duration, HOUR, MINUTE } from "../shell/time.mjs";

const STEPS = [MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 7 * DAY, 30 * DAY];
const MOST = 128;

/**
 * n bins of `step` milliseconds from `start` on, which hold all of [from, to]. They begin at whole steps since 1970 in UTC.
 * @param {Span} window @returns {Bins}
 */
export function binsOf([from, to]) {
  const long = STEPS[STEPS.length - 1];
  const step = STEPS.find((s) => (to - from) / s <= MOST) ?? Math.ceil((to - from) / MOST / long) * long;
  const start = Math.floor(from / step) * step;
  return { start, step, n: Math.floor((to - start) / step) + 1 };
}

/** The width of a bin, to stand beside a number: "per hour". @param {number} step */
export const perBin = (step) => ({ [MINUTE]: "per minute", [HOUR]: "per hour", [DAY]: "per day" })[step] ?? `per ${step < DAY ? duration(step) : `${step / DAY} days`}`;
