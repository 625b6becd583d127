// What came since the film was packed.

import { rowsOf } from "./places.mjs";

/**
 * The snapshot with the news in it. Touched accounts are sent whole, and replace what was sent before.
 * @param {FilmSnapshot} snapshot @param {FilmNews} news @returns {FilmSnapshot}
 */
export function mergeNews(snapshot, news) {
  const touched = new Set(news.touched);
  const words = snapshot.words.length;
  const countries = snapshot.countries.length;
  const known = new Set(news.signals.id);
  const mails = new Set(news.mails.map((m) => m.id));
  const changes = ofThem(snapshot.changes, touched);
  const replaced = new Set(changes);
  return {
    ...snapshot,
    id: news.id, now: news.now, lists: news.lists, orders: news.orders, events: news.events, executives: news.executives,
    accounts: { ...snapshot.accounts, handle: renamed(snapshot.accounts, new Map(news.renames)) },
    ...readOn(snapshot, news.reads),
    words: [...snapshot.words, ...news.words], countries: [...snapshot.countries, ...news.countries],
    spells: joined(snapshot.spells, (j) => !touched.has(snapshot.spells.account[j]), { ...news.spells, w: moved(news.spells.w, words), c: moved(news.spells.c, countries) }),
    changes: joined(snapshot.changes, (j) => !touched.has(snapshot.changes.account[j]), { ...news.changes, w: moved(news.changes.w, words), h: moved(news.changes.h, words) }),
    steps: joined(snapshot.steps, (j) => !replaced.has(snapshot.steps.change[j]), news.steps),
    signals: joined(snapshot.signals, (j) => !known.has(snapshot.signals.id[j]), news.signals),
    mails: [...snapshot.mails.filter((m) => !mails.has(m.id)), ...news.mails],
  };
}

/** @param {number[]} numbers @param {number} by */
const moved = (numbers, by) => numbers.map((n) => n + by);

/** @param {FilmSnapshot["accounts"]} of @param {Map<number, string>} names */
const renamed = ({ id, handle }, names) => Array.from(handle, (name, i) => names.get(id[i]) ?? name);

/** The numbers of the changes of these accounts. @param {FilmSnapshot["changes"]} of @param {Set<number>} touched */
function ofThem({ account, id }, touched) {
  return Array.from(id).filter((_, j) => touched.has(account[j]));
}

/**
 * The rows of a table of which `keeps(place)` says so, and more.
 * @template Row
 * @param {Table<Row>} table @param {(j: number) => boolean} keeps @param {Table<Row>} more @returns {Table<Row>}
 */
function joined(table, keeps, more) {
  const added = /** @type {[string, any[]][]} */ (Object.entries(more));
  if (!added[0][1].length) return table;
  const kept = /** @type {Record<string, any[]>} */ (rowsOf(table, keeps));
  return /** @type {Table<Row>} */ (Object.fromEntries(added.map(([name, column]) => [name, [...kept[name], ...column]])));
}

/**
 * The runs, holes and points with what was read since. A reading that is sent again changes nothing.
 * @param {FilmSnapshot} of @param {FilmNews["reads"]} reads
 */
function readOn({ rosters, runs, holes, points, apart, recorded_within: within }, reads) {
  const out = { runs: copied(runs), holes: copied(holes), points: copied(points) };
  /** @type {Sure<number, number>} */
  const last = new Map();
  out.runs.roster.forEach((roster, j) => {
    if (!last.has(roster) || out.runs.b[j] > out.runs.b[last.get(roster)]) last.set(roster, j);
  });
  const isCovered = coverage(out, rosters, within, Math.min(...reads.map(([, at]) => at)));
  /** @type {Sure<string, number>} */
  const open = new Map();
  out.holes.b.forEach((b, h) => {
    if (b === null) open.set(`${out.holes.account[h]} ${out.holes.roster[h]}`, h);
  });
  for (const [roster, at, lag, answered] of reads) {
    const members = rosters[roster];
    const end = last.get(roster);
    if (!members || (end !== undefined && at <= out.runs.b[end])) {
      // A re-read, or one that was recorded after later ones: it becomes a point of each account where it adds something.
      for (const account of answered ?? members) if (!isCovered(account, at, roster)) push(out.points, { account, a: at, ar: lag });
      continue;
    }
    const before = end === undefined ? null : out.runs.b[end];
    if (before !== null && at - before <= apart && lag <= within && out.runs.ar[end] <= within) {
      out.runs.b[end] = at;
      out.runs.br[end] = lag;
    } else last.set(roster, push(out.runs, { roster, a: at, ar: lag, b: at, br: lag }));
    const heard = new Set(answered ?? members);
    for (const account of members) {
      const key = `${account} ${roster}`;
      if (!heard.has(account)) {
        if (!open.has(key)) open.set(key, push(out.holes, { account, roster, a: before, b: null, br: 0 }));
      } else if (open.has(key)) {
        out.holes.b[open.get(key)] = at;
        out.holes.br[open.get(key)] = lag;
        open.delete(key);
      }
    }
  }
  return out;
}

/**
 * Whether the film already says that an account was read without a break around a time, or at that very time.
 * @param {Pick<FilmSnapshot, "runs" | "holes" | "points">} of @param {FilmSnapshot["rosters"]} rosters @param {number} within @param {number} since
 */
function coverage({ runs, holes, points }, rosters, within, since) {
  /** @template Row @param {Table<Row>} table @param {keyof Row} name */
  const late = (table, name) => Array.from(table[name], (_, j) => j).filter((j) => Number(table[name][j] ?? since) >= since);
  const runsBy = byNumber(late(runs, "b").map((j) => [runs.roster[j], j]));
  const holesBy = byNumber(late(holes, "b").map((h) => [holes.account[h], h]));
  const known = new Set(late(points, "a").map((p) => `${points.account[p]} ${points.a[p]}`));
  /** @type {Map<number, number[]> | null} */
  let of = null;
  /** @param {number} account */
  const rostersOf = (account) => {
    of ??= byNumber(Object.entries(rosters).flatMap(([roster, members]) => members.map((member) => [member, Number(roster)])));
    return of.get(account) ?? [];
  };
  /** @param {number} account @param {number} roster @param {number} at */
  const isInHole = (account, roster, at) =>
    (holesBy.get(account) ?? []).some((h) => holes.roster[h] === roster && (holes.a[h] ?? -Infinity) < at && at < (holes.b[h] ?? Infinity));
  /** @param {number} roster @param {number} at */
  const isRead = (roster, at) =>
    (runsBy.get(roster) ?? []).some((j) => runs.a[j] <= at && at <= runs.b[j] && (runs.ar[j] <= within || runs.a[j] === at));
  return (/** @type {number} */ account, /** @type {number} */ at, /** @type {number} */ roster) =>
    known.has(`${account} ${at}`) || (rosters[roster] ? [roster] : rostersOf(account)).some((r) => isRead(r, at) && !isInHole(account, r, at));
}

/** @param {[number, number][]} pairs */
function byNumber(pairs) {
  /** @type {Sure<number, number[]>} */
  const out = new Map();
  for (const [number, value] of pairs) {
    if (!out.has(number)) out.set(number, []);
    out.get(number).push(value);
  }
  return out;
}

/**
 * A table of numbers that can be added to.
 * @template Row
 * @param {Table<Row>} table
 */
const copied = (table) =>
  /** @type {Table<Row>} */ (Object.fromEntries(Object.entries(table).map(([name, column]) => [name, Array.from(/** @type {number[]} */ (column))])));

/**
 * Add a row; its place.
 * @template Row
 * @param {Table<Row>} table @param {Row} row
 */
function push(table, row) {
  const columns = /** @type {[keyof Row, any[]][]} */ (Object.entries(table));
  for (const [name, column] of columns) column.push(row[name]);
  return columns[0][1].length - 1;
}
