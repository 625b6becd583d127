// When accounts were read, as the film holds it. A request reads the accounts of a roster; its runs without a break are
// stored once for all of them, what it did not answer of one account as a hole, and other readings as a point.

import { picked, placesOf } from "./places.mjs";
import { after, upTo } from "./sorted.mjs";

export class Reads {
  /** @param {FilmSnapshot} of @param {Index} index @param {number} n */
  constructor({ rosters, runs, holes, points: beside, gap_after: gapAfter, recorded_within: within }, index, n) {
    this.within = within;
    this.gapAfter = gapAfter;
    const numbers = new Map(Object.keys(rosters).map((id, r) => [Number(id), r]));
    this.rosters = numbers.size;
    this.runs = runsOf(runs, numbers);
    this.groupOf = new Int32Array(n);
    this.groups = groupsOf(rosters, numbers, index, n, this.groupOf);
    this.holes = holesOf(holes, numbers, index, n);
    this.points = pointsOf(beside, index, n);
    /** Who is read as the rosters are, without a hole or a point. */
    this.isPlain = new Uint8Array(n);
    for (let i = 0; i < n; i++) {
      if (this.holes.start[i] === this.holes.start[i + 1] && this.points.start[i] === this.points.start[i + 1]) this.isPlain[i] = 1;
    }
    const { start, a, ar, b } = this.runs;
    const ofRosters = Array.from({ length: this.rosters }, (_, r) => {
      const out = [];
      for (let j = start[r]; j < start[r + 1]; j++) out.push({ a: a[j], ar: ar[j], b: b[j] });
      return out;
    });
    /** Of each group, no finer than a gap is long. */
    this.inGroups = this.groups.map((rosters) => merged(rosters.flatMap((r) => ofRosters[r]), within, gapAfter));
    const points = Array.from(this.points.a, (at, p) => ({ a: at, ar: this.points.ar[p], b: at }));
    // One roster after the other: most of them were read at the same times, so that there is little to be put in order.
    // biome-ignore lint/performance/noAccumulatingSpread: `merged` keeps it short
    this.fleet = merged(ofRosters.reduce((fleet, runs) => merged([...fleet, ...runs], within, 0), []), within, 0, points);
    this.own = ownSilences(this, n, gapAfter);
    this.hasOwn = new Uint8Array(n);
    for (const i of this.own.keys()) this.hasOwn[i] = 1;
  }

  /**
   * The last reading of a roster by `t` and on record by `by`, -Infinity for none. Within a run it is `t`: it was read in time.
   * @param {number} roster @param {number} t @param {number} by
   */
  lastOf(roster, t, by) {
    const { start, a, ar, b } = this.runs;
    for (let j = after(a, t, start[roster], start[roster + 1]) - 1; j >= start[roster]; j--) if (ar[j] <= by) return Math.min(t, b[j]);
    return -Infinity;
  }

  /**
   * The same of one account, of which `last` is what the roster tells.
   * @param {number} i @param {number} roster @param {number} last @param {number} by
   */
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

  /** The last of the points of one account. @param {number} i @param {number} t @param {number} by */
  lastPoint(i, t, by) {
    const { start, a, ar } = this.points;
    for (let p = after(a, t, start[i], start[i + 1]) - 1; p >= start[i]; p--) if (ar[p] <= by) return a[p];
    return -Infinity;
  }

  /** Of an account, where those of its group are known. @param {number} i @param {Span[]} ofGroup @param {number} t @param {number} by */
  gapsOf(i, ofGroup, t, by) {
    if (!this.hasOwn[i]) return ofGroup;
    const own = this.own.get(i);
    if (own === null) return this.gapsByReading(i, t, by);
    const { a, b, br } = this.holes;
    /** @type {Span[]} */
    const closed = [];
    for (const h of own) if (b[h] <= t && br[h] <= by) closed.push([a[h], b[h]]);
    if (!closed.length) return ofGroup;
    if (!ofGroup.length) return closed;
    const others = ofGroup.filter(([from, to]) => !closed.some(([x, y]) => x <= from && to <= y));
    return [...others, ...closed].sort((x, y) => x[0] - y[0]);
  }

  /** Whether the run in which there is a reading at `t` was recorded in time. @param {number} roster @param {number} t */
  isPunctual(roster, t) {
    const { start, a, ar, b } = this.runs;
    const j = after(a, t, start[roster], start[roster + 1]) - 1;
    return j >= start[roster] && t <= b[j] && ar[j] - a[j] <= this.within;
  }

  /**
   * The silences longer than a gap before the last reading: [[from, to]], oldest first. Of all in a group who lacked nothing.
   * @param {number} group @param {number} t @param {number} by
   */
  gapsOfGroup(group, t, by) {
    return silences(this.inGroups[group], t, by, this.gapAfter).found;
  }

  /** The same of one account, by every reading of it. @param {number} i @param {number} t @param {number} by */
  gapsByReading(i, t, by) {
    const { start, a, ar } = this.points;
    const parts = this.groups[this.groupOf[i]].flatMap((roster) => this.partsOf(roster, i, t, by));
    for (let p = start[i]; p < start[i + 1] && a[p] <= t; p++) parts.push({ a: a[p], ar: ar[p], b: a[p] });
    return silences(parts.sort((x, y) => x.a - y.a), t, by, this.gapAfter).found;
  }

  /** The runs of a roster, cut at the holes of an account. @param {number} roster @param {number} i @param {number} t @param {number} by */
  partsOf(roster, i, t, by) {
    const { start, a, ar, b } = this.runs;
    const { holes } = this;
    const out = [];
    for (let j = start[roster]; j < start[roster + 1] && a[j] <= t; j++) {
      if (ar[j] > by) continue;
      let from = a[j];
      const to = Math.min(t, b[j]);
      for (let h = holes.start[i]; h < holes.start[i + 1]; h++) {
        if (holes.of[h] !== roster || holes.b[h] <= from || holes.a[h] >= to) continue;
        if (holes.a[h] >= from) out.push({ a: from, ar: from, b: holes.a[h] });
        from = holes.b[h];
      }
      if (from <= to) out.push({ a: from, ar: from, b: to });
    }
    return out;
  }

  /**
   * The times in which nobody at all was read for longer than `limit`, and the last reading of all.
   * @param {number} t @param {number} by @param {number} limit
   */
  ofAll(t, by, limit) {
    const { found, last } = silences(this.fleet, t, by, limit);
    return { outages: found, last };
  }

  /**
   * When the first reading was recorded for want of which an account was taken for not read at `t` by `by`; null for none.
   * @param {number} i @param {number} t @param {number} by @param {number} limit
   */
  readLate(i, t, by, limit) {
    /** @type {number | null} */
    let found = null;
    /** @param {{ a: Float64Array, ar: Float64Array }} of @param {number} from @param {number} to */
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
 * @param {Reads} reads @param {number} n @param {number} gapAfter
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

/**
 * Whether the readings of the rosters on both sides of a time are less than a gap apart, and in time.
 * @param {Reads} reads @param {number} i @param {number} t @param {number} gapAfter
 */
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

/**
 * From reading `a`, recorded at `ar`, to reading `b` (the answer tells how much later). One that was recorded late stands alone, so that it can be left out.
 * @param {FilmSnapshot["runs"]} t @param {Index} numbers
 */
function runsOf(t, numbers) {
  const { start, order } = placesOf(Int32Array.from(t.roster, (id) => Number(numbers.get(id))), numbers.size, (x, y) => t.a[x] - t.a[y]);
  return {
    start,
    a: picked(order, t.a), ar: picked(order, t.a, 0, t.ar), b: picked(order, t.b),
  };
}

/**
 * The rosters of each group: accounts that were always asked together are one.
 * @param {FilmSnapshot["rosters"]} rosters @param {Index} numbers @param {Index} index @param {number} n @param {Int32Array} groupOf
 */
function groupsOf(rosters, numbers, index, n, groupOf) {
  /** @type {number[][]} */
  const of = Array.from({ length: n }, () => []);
  for (const [id, members] of Object.entries(rosters)) {
    for (const account of members) if (index.has(account)) of[Number(index.get(account))].push(Number(numbers.get(Number(id))));
  }
  /** @type {Sure<string, [number, number[]]>} */
  const groups = new Map();
  of.forEach((list, i) => {
    const key = list.join();
    if (!groups.has(key)) groups.set(key, [groups.size, list]);
    groupOf[i] = groups.get(key)[0];
  });
  return [...groups.values()].map(([, list]) => list);
}

/**
 * Between readings `a` and `b`, recorded at `br`, a roster (`of`) had no answer about the account.
 * @param {FilmSnapshot["holes"]} t @param {Index} numbers @param {Index} index @param {number} n
 */
function holesOf(t, numbers, index, n) {
  const place = Int32Array.from(t.account, (id) => index.get(id) ?? -1);
  const { start, order } = placesOf(place, n, (x, y) => (t.a[x] ?? -Infinity) - (t.a[y] ?? -Infinity));
  return {
    start,
    of: Int32Array.from(order, (j) => Number(numbers.get(t.roster[j]))),
    a: picked(order, t.a, -Infinity), b: picked(order, t.b, Infinity), br: picked(order, t.b, Infinity, t.br),
  };
}

/**
 * Runs {a, ar, b} by when they begin; those that were recorded in time and are at most so far `apart` are one. What was
 * recorded late, and `more`, only tells what those do not.
 * @param {Run[]} runs @param {number} within @param {number} apart @param {Run[]} [more]
 */
function merged(runs, within, apart, more = []) {
  /** @param {Run} of */
  const isInTime = ({ a, ar }) => ar - a <= within;
  /** @type {Run[]} */
  const out = [];
  for (const run of runs.filter(isInTime).sort((x, y) => x.a - y.a)) {
    const before = out.at(-1);
    if (before && run.a - before.b <= apart) before.b = Math.max(before.b, run.b);
    else out.push({ ...run });
  }
  const begins = out.map((run) => run.a);
  /** @param {Run} of */
  const tells = ({ a }) => !(a <= (out[after(begins, a) - 1]?.b ?? -Infinity));
  return [...out, ...runs.filter((run) => !isInTime(run) && tells(run)), ...more.filter(tells)].sort((x, y) => x.a - y.a);
}

/**
 * The times without a reading for longer than `limit`, up to the last reading; and that.
 * @param {Run[]} runs @param {number} t @param {number} by @param {number} limit
 */
function silences(runs, t, by, limit) {
  /** @type {Span[]} */
  const found = [];
  let last = -Infinity;
  for (const { a, ar, b } of runs) {
    if (a > t) break;
    if (ar > by) continue;
    if (last !== -Infinity && a - last > limit) found.push([last, a]);
    last = Math.max(last, Math.min(t, b));
  }
  return { found, last };
}

/** @param {FilmSnapshot["points"]} t @param {Index} index @param {number} n */
function pointsOf(t, index, n) {
  const place = Int32Array.from(t.account, (id) => index.get(id) ?? -1);
  const { start, order } = placesOf(place, n, (x, y) => t.a[x] - t.a[y]);
  return { start, a: picked(order, t.a), ar: picked(order, t.a, 0, t.ar) };
}
