// The answer of the server as the film holds it: columns in an order in which a moment is found without a search.

import { CODE } from "../board/state.mjs";
import { mergeNews } from "./news.mjs";
import { picked, placesOf } from "./places.mjs";
import { Reads } from "./reads.mjs";

/**
 * A column of times, of which a missing one lies beyond all others (or is NaN where that says more).
 * @param {ArrayLike<number | null>} column @param {number} [missing]
 */
const times = (column, missing = Infinity) => Float64Array.from(column, (t) => t ?? missing);

/**
 * The film of a snapshot in its plain form: tables by column, as `unpack` gives them. `news`: what came since, or null.
 * @param {FilmSnapshot} snapshot @param {FilmNews | null} [news] @returns {Film}
 */
export function filmOf(snapshot, news = null) {
  const all = news ? mergeNews(snapshot, news) : snapshot;
  const accounts = accountsOf(all);
  const index = new Map(accounts.map((account, i) => [account.id, i]));
  const changes = changesOf(all.changes, index);
  const signals = signalsOf(all.signals);
  const mails = [...all.mails].sort((a, b) => a.created - b.created || a.id - b.id);
  const members = membersOf(all.members, index);
  /** @type {Film["listsOf"]} */
  const listsOf = accounts.map(() => []);
  for (const [list, on] of members) for (const { account, times } of on) listsOf[account].push({ list, times });
  return {
    id: all.id, now: all.now, from: all.from, sweep: all.sweep, lateAfter: all.late_after, gapAfter: all.gap_after,
    words: all.words, countries: all.countries, lists: all.lists, orders: all.orders, papers: all.events,
    executives: all.executives, accounts, index, watched: accounts.filter((a) => a.times.length > 0).length,
    spells: spellsOf(all.spells, index, accounts.length),
    changes, changesOf: placesOf(changes.account, accounts.length), steps: stepsOf(all.steps), members, listsOf,
    reads: new Reads(all, index, accounts.length), platforms: new Set(accounts.map((a) => a.platform)),
    signals, made: Float64Array.from(signals, (s) => s.t),
    mails, written: Float64Array.from(mails, (m) => m.created), mailOf: new Map(mails.map((mail) => [mail.id, mail])),
    events: eventsOf(changes, mails, all),
  };
}

/** Whether a time is within one of some periods: [[from, to]], without their ends. @param {Span[]} periods @param {number} t */
export const during = (periods, t) => periods.some(([from, to]) => from <= t && t < to);

/** Each with the `times` in which it was watched, as [[from, to]]. @param {FilmSnapshot} of */
function accountsOf({ accounts: t, watched }) {
  /** @type {Map<number, Span[]>} */
  const times = new Map(Array.from(t.id, (id) => [id, []]));
  for (let j = 0; j < watched.account.length; j++) times.get(watched.account[j])?.push([watched.from[j], watched.to[j] ?? Infinity]);
  const rows = Array.from(t.id, (id, i) => ({ id, handle: t.handle[i], post: t.post[i] === 1, platform: t.platform[i], times: times.get(id) ?? [] }));
  /** @param {{ times: Span[] }} of */
  const begin = ({ times: [first] }) => first?.[0] ?? Number.MAX_VALUE;
  return rows.sort((a, b) => begin(a) - begin(b) || a.id - b.id);
}

/**
 * What was believed of each account, one after the other: `start[i]` to `start[i + 1]` are those of account i.
 * @param {FilmSnapshot["spells"]} t @param {Index} index @param {number} n @returns {Beliefs}
 */
function spellsOf(t, index, n) {
  const place = Int32Array.from(t.account, (id) => index.get(id) ?? -1);
  const { start, order } = placesOf(place, n, (a, b) => t.from[a] - t.from[b] || t.known[a] - t.known[b]);
  /** @param {ArrayLike<number | null>} column @param {number} [missing] */
  const pick = (column, missing) => picked(order, column, missing);
  return {
    start,
    s: Uint8Array.from(order, (j) => CODE[t.s[j]]), w: Int32Array.from(pick(t.w)), c: Int32Array.from(pick(t.c)),
    onset: pick(t.onset, Number.NaN), from: pick(t.from), to: pick(t.to, Infinity), known: pick(t.known), until: pick(t.until, Infinity),
    change: pick(t.change),
  };
}

/** By the time at which they were first seen. @param {FilmSnapshot["changes"]} t @param {Index} index @returns {FilmChanges} */
function changesOf(t, index) {
  const order = Array.from(t.id, (_, j) => j).sort((a, b) => t.seen[a] - t.seen[b] || t.id[a] - t.id[b]);
  const out = /** @type {Table<FilmChangeRow>} */ (Object.fromEntries(Object.entries(t).map(([name, column]) => [name, order.map((j) => column[j])])));
  const account = Int32Array.from(out.account, (id) => index.get(id) ?? -1);
  const superseded = times(out.superseded);
  const isNews = Uint8Array.from(out.id, (_, j) => Number(out.kind[j] !== "baseline" && account[j] >= 0));
  return {
    ...out, account, superseded, seen: times(out.seen), recorded: times(out.recorded), decided: times(out.decided),
    place: new Map(out.id.map((id, j) => [id, j])),
    isNews, stands: isNews.map((is, j) => Number(is && superseded[j] === Infinity)),
  };
}

/** How provisional changes came nearer to a decision, by change: [[recorded, agreeing]], oldest first. @param {FilmSnapshot["steps"]} t */
function stepsOf(t) {
  /** @type {Sure<number, [number, number][]>} */
  const out = new Map();
  for (let j = 0; j < t.change.length; j++) {
    if (!out.has(t.change[j])) out.set(t.change[j], []);
    out.get(t.change[j]).push([t.recorded[j], t.agreeing[j]]);
  }
  for (const steps of out.values()) steps.sort((a, b) => a[0] - b[0]);
  return out;
}

/**
 * Who was on each list when: by list {account, times}, in the order of the accounts.
 * @param {FilmSnapshot["members"]} t @param {Index} index
 */
function membersOf(t, index) {
  /** @type {Sure<number, Sure<number, Span[]>>} */
  const out = new Map();
  for (let j = 0; j < t.list.length; j++) {
    const account = index.get(t.account[j]);
    if (account === undefined) continue;
    if (!out.has(t.list[j])) out.set(t.list[j], new Map());
    const times = out.get(t.list[j]);
    if (!times.has(account)) times.set(account, []);
    times.get(account).push([t.from[j], t.to[j] ?? Infinity]);
  }
  /** @param {Map<number, Span[]>} of */
  const inOrder = (of) => [...of].map(([account, times]) => ({ account, times })).sort((a, b) => a.account - b.account);
  return new Map([...out].map(([list, of]) => [list, inOrder(of)]));
}

/** Acts of executives by when they were made. @param {FilmSnapshot["signals"]} t */
function signalsOf(t) {
  const rows = Array.from(t.id, (id, j) => ({ id, executive: t.executive[j], kind: t.kind[j], t: t.t[j], seen: t.seen[j] }));
  return rows.sort((a, b) => a.t - b.t || a.id - b.id);
}

/**
 * The times at which something happened, as it was and as it was known.
 * @param {FilmChanges} changes @param {FilmMail[]} mails @param {FilmSnapshot} all
 */
function eventsOf(changes, mails, { orders, events: papers, now }) {
  const common = [...mails.flatMap((m) => [m.created, m.sent]), ...orders.map((o) => o.known), ...papers.map((e) => e.known)];
  const news = Array.from(changes.id, (_, j) => j).filter((j) => changes.isNews[j]);
  /** @param {(number | null)[]} list */
  const times = (list) => Float64Array.from(new Set([...list, ...common].flatMap((t) => (t !== null && t <= now ? t : [])))).sort();
  return {
    was: times(news.filter((j) => changes.stands[j]).map((j) => changes.seen[j])),
    known: times(news.flatMap((j) => [changes.recorded[j], changes.decided[j], changes.superseded[j]])),
  };
}
