// The answer of the server as the film holds it: columns in an order in which a moment is found without a search.

import { CODE } from "../board/state.mjs";
import { mergeNews } from "./news.mjs";
import { picked, placesOf } from "./places.mjs";
import { Reads } from "./reads.mjs";

/** A column of times, of which a missing one lies beyond all others (or is NaN where that says more). */
const times = (column, missing = Infinity) => Float64Array.from(column, (t) => t ?? missing);

/** The film of a snapshot in its plain form: tables by column, as `unpack` gives them. `news`: what came since, or null. */
export function filmOf(snapshot, news = null) {
  const all = news ? mergeNews(snapshot, news) : snapshot;
  const accounts = accountsOf(all);
  const index = new Map(accounts.map((account, i) => [account.id, i]));
  const film = {
    id: all.id, now: all.now, from: all.from, sweep: all.sweep, lateAfter: all.late_after, gapAfter: all.gap_after,
    words: all.words, countries: all.countries, lists: all.lists, orders: all.orders, papers: all.events,
    executives: all.executives, accounts, index,
    /** So many of them ever were watched, which come first, by when that began. */
    watched: accounts.filter((a) => a.times.length > 0).length,
    spells: spellsOf(all.spells, index, accounts.length),
    changes: changesOf(all.changes, index),
    steps: stepsOf(all.steps),
    members: membersOf(all.members, index),
    reads: new Reads(all, index, accounts.length),
    signals: signalsOf(all.signals),
    mails: [...all.mails].sort((a, b) => a.created - b.created || a.id - b.id),
    platforms: new Set(accounts.map((a) => a.platform)),
  };
  film.written = Float64Array.from(film.mails, (m) => m.created);
  film.made = Float64Array.from(film.signals, (s) => s.t);
  film.mailOf = new Map(film.mails.map((mail) => [mail.id, mail]));
  film.changesOf = placesOf(film.changes.account, accounts.length);
  film.events = eventsOf(film);
  /** The lists that each account ever was on: [{list, times}]. */
  film.listsOf = accounts.map(() => []);
  for (const [list, on] of film.members) for (const { account, times } of on) film.listsOf[account].push({ list, times });
  return film;
}

/** Whether a time is within one of some periods: [[from, to]], without their ends. */
export const during = (periods, t) => periods.some(([from, to]) => from <= t && t < to);

/** Each with the `times` in which it was watched, as [[from, to]]. */
function accountsOf({ accounts: t, watched }) {
  const times = new Map(Array.from(t.id, (id) => [id, []]));
  for (let j = 0; j < watched.account.length; j++) times.get(watched.account[j])?.push([watched.from[j], watched.to[j] ?? Infinity]);
  const rows = Array.from(t.id, (id, i) => ({ id, handle: t.handle[i], platform: t.platform[i], times: times.get(id) }));
  const begin = ({ times: [first] }) => first?.[0] ?? Number.MAX_VALUE;
  return rows.sort((a, b) => begin(a) - begin(b) || a.id - b.id);
}

/** What was believed of each account, one after the other: `start[i]` to `start[i + 1]` are those of account i. */
function spellsOf(t, index, n) {
  const place = Int32Array.from(t.account, (id) => index.get(id) ?? -1);
  const { start, order } = placesOf(place, n, (a, b) => t.from[a] - t.from[b] || t.known[a] - t.known[b]);
  const pick = (column, missing) => picked(order, column, missing);
  return {
    start,
    s: Uint8Array.from(order, (j) => CODE[t.s[j]]), w: Int32Array.from(pick(t.w)), c: Int32Array.from(pick(t.c)),
    onset: pick(t.onset, Number.NaN), from: pick(t.from), to: pick(t.to, Infinity), known: pick(t.known), until: pick(t.until, Infinity),
    change: pick(t.change),
  };
}

/** By the time at which they were first seen. */
function changesOf(t, index) {
  const order = Array.from(t.id, (_, j) => j).sort((a, b) => t.seen[a] - t.seen[b] || t.id[a] - t.id[b]);
  const out = Object.fromEntries(Object.keys(t).map((name) => [name, order.map((j) => t[name][j])]));
  out.account = Int32Array.from(out.account, (id) => index.get(id) ?? -1);
  for (const name of ["seen", "recorded", "decided", "superseded"]) out[name] = times(out[name]);
  out.place = new Map(out.id.map((id, j) => [id, j]));
  /** Whether it is news of an account that is told of, and nothing supersedes it as known now. */
  out.isNews = Uint8Array.from(out.id, (_, j) => out.kind[j] !== "baseline" && out.account[j] >= 0);
  out.stands = Uint8Array.from(out.id, (_, j) => out.isNews[j] && out.superseded[j] === Infinity);
  return out;
}

/** How provisional changes came nearer to a decision, by change: [[recorded, agreeing]], oldest first. */
function stepsOf(t) {
  const out = new Map();
  for (let j = 0; j < t.change.length; j++) {
    if (!out.has(t.change[j])) out.set(t.change[j], []);
    out.get(t.change[j]).push([t.recorded[j], t.agreeing[j]]);
  }
  for (const steps of out.values()) steps.sort((a, b) => a[0] - b[0]);
  return out;
}

/** Who was on each list when: by list {account, times}, in the order of the accounts. */
function membersOf(t, index) {
  const out = new Map();
  for (let j = 0; j < t.list.length; j++) {
    const account = index.get(t.account[j]);
    if (account === undefined) continue;
    if (!out.has(t.list[j])) out.set(t.list[j], new Map());
    const times = out.get(t.list[j]);
    if (!times.has(account)) times.set(account, []);
    times.get(account).push([t.from[j], t.to[j] ?? Infinity]);
  }
  const inOrder = (of) => [...of].map(([account, times]) => ({ account, times })).sort((a, b) => a.account - b.account);
  return new Map([...out].map(([list, of]) => [list, inOrder(of)]));
}

/** Acts of executives by when they were made. */
function signalsOf(t) {
  const rows = Array.from(t.id, (id, j) => ({ id, executive: t.executive[j], kind: t.kind[j], t: t.t[j], seen: t.seen[j] }));
  return rows.sort((a, b) => a.t - b.t || a.id - b.id);
}

function eventsOf({ changes, mails, orders, papers, now }) {
  const common = [...mails.flatMap((m) => [m.created, m.sent]), ...orders.map((o) => o.known), ...papers.map((e) => e.known)];
  const news = Array.from(changes.id, (_, j) => j).filter((j) => changes.isNews[j]);
  const told = (list) => Float64Array.from(new Set([...list, ...common].filter((t) => t !== null && t <= now))).sort();
  return {
    was: told(news.filter((j) => changes.stands[j]).map((j) => changes.seen[j])),
    known: told(news.flatMap((j) => [changes.recorded[j], changes.decided[j], changes.superseded[j]])),
  };
}
