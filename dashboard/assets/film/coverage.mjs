// When accounts were read, up to a moment and by what was on record. `by`: the latest time of recording that counts.

import { after } from "./sorted.mjs";

/** The last reading by `t`, -Infinity for none. In the middle of a run it is the moment itself: it was read in time. */
export function lastRead(runs, group, t, by) {
  if (group < 0) return -Infinity;
  const first = runs.start[group];
  for (let j = after(runs.a, t, first, runs.start[group + 1]) - 1; j >= first; j--) {
    if (runs.ar[j] <= by) return Math.min(t, runs.b[j]);
  }
  return -Infinity;
}

/** The silences before the last reading that lasted longer than `limit`: [[from, to]], oldest first. */
export function gapsOf(runs, group, t, by, limit) {
  const out = [];
  if (group < 0) return out;
  let last = null;
  for (let j = runs.start[group]; j < runs.start[group + 1] && runs.a[j] <= t; j++) {
    if (runs.ar[j] > by) continue;
    if (last !== null && runs.a[j] - last > limit) out.push([last, runs.a[j]]);
    last = Math.min(t, runs.b[j]);
  }
  return out;
}

/** The times in which nobody at all was read for longer than `limit`, and the last reading of all. */
export function fleetReads(runs, t, by, limit) {
  const outages = [];
  let last = -Infinity;
  for (const j of runs.byTime) {
    if (runs.a[j] > t) break;
    if (runs.ar[j] > by) continue;
    if (last !== -Infinity && runs.a[j] - last > limit) outages.push([last, runs.a[j]]);
    last = Math.max(last, Math.min(t, runs.b[j]));
  }
  return { outages, last };
}

/** When the reading was recorded for want of which a group was taken for not read at `t` by `by`; null for none. */
export function readLate(runs, group, t, by, limit) {
  if (group < 0) return null;
  const first = runs.start[group];
  let found = null;
  for (let j = after(runs.a, t, first, runs.start[group + 1]) - 1; j >= first && t - runs.b[j] <= limit; j--) {
    if (runs.ar[j] > by) found = Math.min(found ?? Infinity, runs.ar[j]);
  }
  return found;
}
