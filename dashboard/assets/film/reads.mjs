// When accounts were read, as the film holds it. A request reads the accounts of a roster; its runs without a break are
// told once for all of them, what it did not tell of one account as a hole, and what was read beside it as a point.

import { placesOf } from "./places.mjs";
import { after, upTo } from "./sorted.mjs";

export class Reads {
  constructor({ rosters, runs, holes, points, gap_after: gapAfter, recorded_within: within }, index, n) {
    this.within = within;
    const numbers = new Map(Object.keys(rosters).map((id, r) => [Number(id), r]));
    this.rosters = numbers.size;
    this.runs = runsOf(runs, numbers);
    /** All runs by when they begin. */
    this.byTime = Int32Array.from(this.runs.a, (_, j) => j).sort((x, y) => this.runs.a[x] - this.runs.a[y]);
    this.groupOf = new Int32Array(n);
    this.groups = groupsOf(rosters, numbers, index, n, this.groupOf);
    this.holes = holesOf(holes, numbers, index, n);
    this.points = pointsOf(points, index, n);
    this.alone = aloneOf(this);
    this.own = ownSilences(this, n, gapAfter);
  }

  /** The last reading of a roster by `t` and on record by `by`, -Infinity for none. Within a run it is `t`: it was read in time. */
  lastOf(roster, t, by) {
    const { start, a, ar, b } = this.runs;
    for (let j = after(a, t, start[roster], start[roster + 1]) - 1; j >= start[roster]; j--) if (ar[j] <= by) return Math.min(t, b[j]);
    return -Infinity;
  }

  /** The same of one account, of which `last` is what the roster tells. */
  without(i, roster, last, by) {
    const { start, of, a, b, br } = this.holes;
    for (let h = start[i + 1] - 1; h >= start[i] && last > -Infinity; h--) {
      if (of[h] !== roster || a[h] >= last) continue;
      const isInside = last < b[h] || (by < br[h] && br[h] - b[h] <= this.within);
      if (!isInside) return last;
      last = this.lastOf(roster, a[h], by);
    }
    return last;
  }

  /** The last of the points of one account. */
  lastPoint(i, t, by) {
    const { start, a, ar } = this.points;
    for (let p = after(a, t, start[i], start[i + 1]) - 1; p >= start[i]; p--) if (ar[p] <= by) return a[p];
    return -Infinity;
  }

  hasHoles(i) {
    return this.holes.start[i] < this.holes.start[i + 1];
  }

  /** Of an account, where those of its group are known. */
  gapsOf(i, ofGroup, t, by, limit) {
    const own = this.own.get(i);
    if (own === undefined) return ofGroup;
    if (own === null) return this.gaps(this.groupOf[i], i, t, by, limit);
    const { a, b, br } = this.holes;
    const closed = own.filter((h) => b[h] <= t && br[h] <= by).map((h) => [a[h], b[h]]);
    if (!closed.length) return ofGroup;
    const others = ofGroup.filter(([from, to]) => !closed.some(([x, y]) => x <= from && to <= y));
    return [...others, ...closed].sort((x, y) => x[0] - y[0]);
  }

  /** Whether the run in which there is a reading at `t` was recorded in time. */
  isPunctual(roster, t) {
    const { start, a, ar, b } = this.runs;
    const j = after(a, t, start[roster], start[roster + 1]) - 1;
    return j >= start[roster] && t <= b[j] && ar[j] - a[j] <= this.within;
  }

  /** The silences longer than `limit` before the last reading: [[from, to]], oldest first. Of an account, or (null) of a group. */
  gaps(group, i, t, by, limit) {
    const parts = this.groups[group].flatMap((roster) => this.partsOf(roster, i, t, by));
    if (i !== null) {
      const { start, a, ar } = this.points;
      for (let p = start[i]; p < start[i + 1] && a[p] <= t; p++) if (ar[p] <= by) parts.push([a[p], a[p]]);
    }
    if (this.groups[group].length > 1 || i !== null) parts.sort((x, y) => x[0] - y[0]);
    const out = [];
    let last = null;
    for (const [from, to] of parts) {
      if (last !== null && from - last > limit) out.push([last, from]);
      last = last === null ? to : Math.max(last, to);
    }
    return out;
  }

  partsOf(roster, i, t, by) {
    const { start, a, ar, b } = this.runs;
    const out = [];
    for (let j = start[roster]; j < start[roster + 1] && a[j] <= t; j++) {
      if (ar[j] > by) continue;
      let from = a[j];
      const to = Math.min(t, b[j]);
      if (i !== null) {
        for (let h = this.holes.start[i]; h < this.holes.start[i + 1]; h++) {
          if (this.holes.of[h] !== roster || this.holes.b[h] <= from || this.holes.a[h] >= to) continue;
          if (this.holes.a[h] >= from) out.push([from, this.holes.a[h]]);
          from = this.holes.b[h];
        }
      }
      if (from <= to) out.push([from, to]);
    }
    return out;
  }

  /** The times in which nobody at all was read for longer than `limit`, and the last reading of all. */
  ofAll(t, by, limit) {
    const { runs, points, alone } = this;
    const outages = [];
    let last = -Infinity;
    let k = 0;
    const take = (from, to) => {
      if (last !== -Infinity && from - last > limit) outages.push([last, from]);
      last = Math.max(last, to);
    };
    const takeAlone = (until) => {
      for (; k < alone.length && points.a[alone[k]] <= until; k++) if (points.ar[alone[k]] <= by) take(points.a[alone[k]], points.a[alone[k]]);
    };
    for (const j of this.byTime) {
      if (runs.a[j] > t) break;
      takeAlone(runs.a[j]);
      if (runs.ar[j] <= by) take(runs.a[j], Math.min(t, runs.b[j]));
    }
    takeAlone(t);
    return { outages, last };
  }

  /** When the first reading was recorded for want of which an account was taken for not read at `t` by `by`; null for none. */
  readLate(i, t, by, limit) {
    let found = null;
    const look = ({ a, ar }, from, to) => {
      for (let j = upTo(a, t - limit, from, to); j < to && a[j] <= t; j++) if (ar[j] > by) found = Math.min(found ?? Infinity, ar[j]);
    };
    for (const roster of this.groups[this.groupOf[i]]) look(this.runs, this.runs.start[roster], this.runs.start[roster + 1]);
    look(this.points, this.points.start[i], this.points.start[i + 1]);
    return found;
  }
}

/**
 * The accounts that have silences of their own: the places of the holes that are as long as a gap, or null where that is not
 * all there is to it, so that all of their readings have to be looked at.
 */
function ownSilences(reads, n, gapAfter) {
  const out = new Map();
  const { holes, points } = reads;
  for (let i = 0; i < n; i++) {
    const rosters = reads.groups[reads.groupOf[i]];
    for (let h = holes.start[i]; h < holes.start[i + 1]; h++) {
      const [roster, from, to] = [holes.of[h], holes.a[h], holes.b[h]];
      const isInTime = reads.isPunctual(roster, from) && reads.isPunctual(roster, to);
      if (isInTime && to - from <= gapAfter) continue;
      const isAlone = Number.isFinite(to - from) && rosters.every((r) => r === roster || reads.lastOf(r, to, Infinity) <= from);
      if (!isInTime || !isAlone) out.set(i, null);
      else if (out.get(i) !== null) out.set(i, [...(out.get(i) ?? []), h]);
    }
    for (let p = points.start[i]; p < points.start[i + 1]; p++) if (!isAmongRuns(reads, i, points.a[p], gapAfter)) out.set(i, null);
  }
  return out;
}

/** Whether the readings of the rosters on both sides of a time are less than a gap apart, and in time. */
function isAmongRuns(reads, i, t, gapAfter) {
  const { runs, holes } = reads;
  for (let h = holes.start[i]; h < holes.start[i + 1]; h++) {
    if (holes.a[h] < t && t < holes.b[h] && holes.b[h] - holes.a[h] > gapAfter) return false;
  }
  return reads.groups[reads.groupOf[i]].some((roster) => {
    const next = after(runs.a, t, runs.start[roster], runs.start[roster + 1]);
    if (next === runs.start[roster] || next === runs.start[roster + 1]) return false;
    const isInTime = [next - 1, next].every((j) => runs.ar[j] - runs.a[j] <= reads.within);
    return isInTime && runs.a[next] - runs.b[next - 1] <= gapAfter;
  });
}

/** From reading `a`, recorded at `ar`, to reading `b` (the answer tells how much later). One that was recorded late stands alone, so that it can be left out. */
function runsOf(t, numbers) {
  const { start, order } = placesOf(Int32Array.from(t.roster, (id) => numbers.get(id)), numbers.size, (x, y) => t.a[x] - t.a[y]);
  return {
    start,
    a: Float64Array.from(order, (j) => t.a[j]), ar: Float64Array.from(order, (j) => t.a[j] + t.ar[j]),
    b: Float64Array.from(order, (j) => t.b[j]),
  };
}

/** The rosters of each group: accounts that were always asked together are one. */
function groupsOf(rosters, numbers, index, n, groupOf) {
  const of = Array.from({ length: n }, () => []);
  for (const [id, members] of Object.entries(rosters)) {
    for (const account of members) if (index.has(account)) of[index.get(account)].push(numbers.get(Number(id)));
  }
  const groups = new Map();
  of.forEach((list, i) => {
    const key = list.join();
    if (!groups.has(key)) groups.set(key, [groups.size, list]);
    groupOf[i] = groups.get(key)[0];
  });
  return [...groups.values()].map(([, list]) => list);
}

/** Between readings `a` and `b`, recorded at `br`, a roster (`of`) told nothing of the account. */
function holesOf(t, numbers, index, n) {
  const place = Int32Array.from(t.account, (id) => index.get(id) ?? -1);
  const { start, order } = placesOf(place, n, (x, y) => (t.a[x] ?? -Infinity) - (t.a[y] ?? -Infinity));
  return {
    start,
    of: Int32Array.from(order, (j) => numbers.get(t.roster[j])),
    a: Float64Array.from(order, (j) => t.a[j] ?? -Infinity), b: Float64Array.from(order, (j) => t.b[j] ?? Infinity),
    br: Float64Array.from(order, (j) => (t.b[j] === null ? Infinity : t.b[j] + t.br[j])),
  };
}

/** The points, by time, at which no request is known to have been read in time: of others it does not matter. */
function aloneOf({ runs, byTime, within, points }) {
  const out = Int32Array.from(points.a, (_, p) => p).sort((x, y) => points.a[x] - points.a[y]);
  let k = 0;
  let until = -Infinity;
  return out.filter((p) => {
    for (; k < byTime.length && runs.a[byTime[k]] <= points.a[p]; k++) {
      const j = byTime[k];
      if (runs.ar[j] - runs.a[j] <= within) until = Math.max(until, runs.b[j]);
    }
    return points.a[p] > until;
  });
}

function pointsOf(t, index, n) {
  const place = Int32Array.from(t.account, (id) => index.get(id) ?? -1);
  const { start, order } = placesOf(place, n, (x, y) => t.a[x] - t.a[y]);
  return { start, a: Float64Array.from(order, (j) => t.a[j]), ar: Float64Array.from(order, (j) => t.a[j] + t.ar[j]) };
}
