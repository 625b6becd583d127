// What the page knows: decoded from the first answer, then kept up to date by deltas. No DOM in here.

import { rows } from "../shell/columnar.mjs";
import { PLATFORMS } from "../shell/platforms.mjs";
import { DAY, HOUR } from "../shell/time.mjs";

/** @type {Record<Letter, string>} */
export const STATUS = {
  A: "Available", P: "Protected", W: "Withheld", S: "Suspended", G: "Suspended or deleted", D: "Deactivated", N: "Not found",
  U: "Not checked",
};
/** The letters of statuses, by their number in a column. */
export const LETTERS = letters("APWSGDNU");
export const CODE = /** @type {Record<Letter, number>} */ (Object.fromEntries(LETTERS.map((s, i) => [s, i])));
/** @type {(keyof Context)[]} */
const CONTEXT = ["orders", "events", "executives", "lists"];

/** Some statuses in an order. @param {string} text */
export function letters(text) {
  return /** @type {Letter[]} */ ([...text]);
}

/** Whether a list is offered: an archived one only where it is chosen, as by a link. @param {List} list @param {string} chosen */
export const isOffered = (list, chosen) => !list.archived || String(list.id) === chosen;

/**
 * The list that an address (its part from the question mark on) asks for, as the page names it; null for none.
 * @param {State} state @param {string} search
 */
export function listAsked(state, search) {
  const id = Number(new URLSearchParams(search).get("list") ?? Number.NaN);
  return state.lists.some((l) => l.id === id) ? String(id) : null;
}

/** @param {string | undefined} s */
export const isBlocked = (s) => s === "W" || s === "S";

/** @param {string} words */
export const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);
/** For the middle of a sentence; names in it keep their capitals. @param {string} words */
export const uncapital = (words) => words.charAt(0).toLowerCase() + words.slice(1);

/**
 * What accounts of these platforms in one status are called together, by the words of each: "Withheld or restricted".
 * @param {Pick<State, "platforms">} state @param {Letter} s
 */
export function groupName(state, s) {
  const able = [...state.platforms].map((p) => PLATFORMS[p]).filter((p) => p?.letters.includes(s));
  const usual = able.some((p) => !p?.own[s]) || able.length === 0 ? [STATUS[s]] : [];
  const names = new Set([...usual, ...able.flatMap((p) => p?.own[s] ?? [])]);
  return [...names].map((name, i) => (i === 0 ? name : uncapital(name))).join(" or ");
}

/**
 * What the accounts of a band are called: by their status, and only if they have several by the word for these.
 * @param {Pick<State, "platforms">} state @param {Letter[]} keys @param {Pick<Counts, Letter>} counts
 */
export function bandName(state, keys, counts) {
  const [first = keys[0], ...more] = keys.filter((s) => counts[s] > 0);
  return more.length ? "Gone" : groupName(state, first);
}

/** @param {Snapshot} snapshot */
export function decode(snapshot) {
  /** @type {LiveState} */
  const state = {
    id: snapshot.id,
    now: snapshot.now,
    readTo: snapshot.now,
    from: snapshot.from,
    earliest: snapshot.earliest,
    gapAfter: snapshot.gap_after,
    sweep: snapshot.sweep,
    lists: snapshot.lists,
    accounts: [],
    byId: new Map(),
    changes: new Map(),
    signals: new Map(),
    mails: new Map(),
    rosters: new Map(),
    outages: snapshot.outages.map(([a, b]) => [a, b]),
    orders: snapshot.orders,
    events: snapshot.events,
    executives: snapshot.executives,
    kpis: snapshot.kpis,
    detectors: snapshot.detectors,
    /** Blocks and restorations before `from`, by steps: all that is held of that time. */
    before: snapshot.before,
    platforms: new Set(),
    lastRead: -Infinity,
    rev: 0,
    /** Counts what changed, or ended a silence: what is derived from that alone holds as long as it stays. */
    facts: 0,
    isGrouped: snapshot.quiet !== undefined,
    renew: snapshot.renew ?? null,
  };
  const { id, handle, platform, post, lists, group } = snapshot.accounts;
  for (let i = 0; i < id.length; i++) {
    addAccount(state, { id: id[i], handle: handle[i], post: post[i] === 1, platform: platform[i], lists: lists[i] }, snapshot.coverage.groups[group[i]]);
  }
  if (snapshot.quiet) addQuiet(state, snapshot.quiet, snapshot);
  for (const [roster, ids] of Object.entries(snapshot.coverage.rosters)) {
    state.rosters.set(Number(roster), ids.map((i) => state.accounts[i]));
  }
  merge(state, snapshot);
  state.lastRead = state.accounts.reduce((m, a) => Math.max(m, a.last ?? -Infinity), -Infinity);
  return state;
}

/**
 * `n` accounts that are alike, of which more than one have no name.
 * @param {LiveState} state @param {Pick<Account, "id" | "handle" | "post" | "platform" | "lists">} row @param {Group | undefined} group @param {number} [n]
 */
function addAccount(state, row, group, n = 1) {
  /** @type {Account} */
  const account = {
    i: state.accounts.length, id: row.id, handle: row.handle, post: row.post, platform: row.platform, lists: row.lists, n, isQuiet: false,
    last: group ? group[0] : null,
    gaps: group ? group[1].map(([a, b]) => [a, b]) : [],
    spells: [], changes: [], pending: null, latest: 0,
  };
  state.accounts.push(account);
  state.platforms.add(account.platform);
  state.byId.set(account.id, account);
  return account;
}

/**
 * Quiet accounts, which have no change in the range, as groups of those that are alike. Their ids are below zero.
 * @param {LiveState} state @param {NonNullable<Snapshot["quiet"]>} quiet @param {Pick<Snapshot, "coverage" | "words">} of
 */
function addQuiet(state, quiet, { coverage, words }) {
  for (let i = 0; i < quiet.n.length; i++) {
    const row = { id: -1 - i, handle: "", post: quiet.post[i] === 1, platform: quiet.platform[i], lists: quiet.lists[i] };
    const group = addAccount(state, row, coverage.groups[quiet.group[i]], quiet.n[i]);
    group.isQuiet = true;
    const [s, from] = [quiet.s[i], quiet.from[i]];
    if (s !== null && from !== null) group.spells = [{ s, w: words[Number(quiet.w[i])], onset: null, from, to: null }];
  }
}

/**
 * Take in the accounts that are quiet no more, each out of the group that it was in. False if one was in none.
 * @param {LiveState} state @param {Delta} delta
 */
function addChanged(state, { accounts, changes, spells, words = [] }) {
  const changed = grouped(rows(changes), (c) => c.account);
  const held = grouped(rows(spells), (s) => s.account);
  const quiet = grouped(state.accounts.filter((a) => a.isQuiet), (a) => kindOf(a, a.spells[0]));
  let wereKnown = true;
  for (const { post, ...row } of rows(accounts)) {
    const own = changed.get(row.id) ?? [];
    // A confirmed first state is not a change: the groups that are fetched next count it.
    if (state.byId.has(row.id) || own.every((c) => c.kind === "baseline" && c.outcome === "confirmed")) continue;
    const first = held.get(row.id)?.find((s) => s.to === null || s.to > state.from);
    const one = { ...row, post: post === 1 };
    const alike = quiet.get(kindOf(one, first && { s: first.s, w: words[first.w] }))?.filter((a) => a.n > 0) ?? [];
    const account = addAccount(state, one, sharedBy(alike));
    const times = own.flatMap((c) => [c.old, c.seen, c.last]).filter((t) => t !== null);
    for (const t of times.sort((a, b) => a - b)) readAt(state, account, t);
    if (alike.length) alike.reduce((a, b) => (b.n > a.n ? b : a)).n -= 1;
    else wereKnown = false;
  }
  return wereKnown;
}

/**
 * @template Row, Key
 * @param {Row[]} all @param {(row: Row) => Key} key @returns {Map<Key, Row[]>}
 */
function grouped(all, key) {
  const out = new Map();
  for (const row of all) {
    const own = out.get(key(row));
    if (own) own.push(row);
    else out.set(key(row), [row]);
  }
  return out;
}

/** What quiet accounts of one group agree in, but for when they were read. @param {Pick<Account, "platform" | "post" | "lists">} of @param {{ s: Letter, w: string } | undefined} spell */
const kindOf = ({ platform, post, lists }, spell) => [platform, post, lists, spell?.s, spell?.w].join("|");

/**
 * The coverage that holds for each of these groups, when it is not known which of them an account was in.
 * @param {Account[]} alike @returns {Group}
 */
function sharedBy(alike) {
  const lasts = alike.map((a) => a.last ?? -Infinity);
  const last = Math.min(...lasts);
  /** @type {Span[]} */
  const gaps = [];
  for (const [a, b] of alike.flatMap((one) => one.gaps).sort((x, y) => x[0] - y[0])) {
    const before = gaps.at(-1);
    if (before && a <= before[1]) before[1] = Math.max(before[1], b);
    else gaps.push([a, b]);
  }
  return [Number.isFinite(last) ? last : null, gaps];
}

/**
 * Fold rows of changes, spells, signals and mails into the state. Doing it twice changes nothing.
 * @param {LiveState} state @param {Snapshot | Delta} part
 */
function merge(state, part) {
  state.facts += 1;
  /** @type {Set<Account>} */
  const touched = new Set();
  /** @type {Set<Account>} */
  const replaced = new Set();
  const { changes, spells, words = [] } = part;
  for (let i = 0; spells && i < spells.account.length; i++) {
    const account = state.byId.get(spells.account[i]);
    if (!account) continue;
    if (!replaced.has(account)) account.spells = [];
    replaced.add(account);
    account.spells.push({ s: spells.s[i], w: words[spells.w[i]], onset: spells.onset[i], from: spells.from[i], to: spells.to[i] });
  }
  for (const id of part.superseded ?? []) {
    const change = state.changes.get(id);
    if (!change) continue;
    state.changes.delete(id);
    const account = state.byId.get(change.account);
    account.changes = account.changes.filter((c) => c.id !== id);
    touched.add(account);
  }
  for (let i = 0; changes && i < changes.id.length; i++) {
    const account = state.byId.get(changes.account[i]);
    if (!account) continue;
    const row = changeOf(changes, i, words);
    const known = state.changes.get(row.id);
    if (known) Object.assign(known, row);
    else {
      state.changes.set(row.id, row);
      account.changes.push(row);
    }
    touched.add(account);
  }
  for (const row of rows(part.signals)) state.signals.set(row.id, row);
  for (const mail of part.mails ?? []) {
    state.mails.set(mail.id, mail);
    for (const id of mail.changes ?? []) {
      const change = state.changes.get(id);
      if (change) change.mail = mail.id;
    }
  }
  for (const account of replaced) account.spells.sort((a, b) => a.from - b.from);
  for (const account of touched) settle(account);
}

/**
 * One change. The words come once for each message: what a state is called is decided by the server alone.
 * @param {Table<ChangeRow>} t @param {number} i @param {string[]} words
 */
function changeOf(t, i, words) {
  return {
    id: t.id[i], account: t.account[i], kind: t.kind[i], s: t.s[i], w: words[t.w[i]], h: words[t.h[i]],
    strength: t.strength[i], old: t.old[i], seen: t.seen[i], recorded: t.recorded[i], outcome: t.outcome[i], why: t.why[i],
    last: t.last[i], agreeing: t.agreeing[i], mail: t.mail[i], corrects: t.corrects[i],
  };
}

/** @param {Account} account */
function settle(account) {
  account.changes.sort((a, b) => a.seen - b.seen || a.id - b.id);
  account.pending = account.changes.findLast((c) => c.outcome === null) ?? null;
  const news = account.changes.findLast((c) => c.kind !== "baseline");
  account.latest = news ? news.seen : 0;
}

/**
 * Add one answered request to the coverage; a silence longer than the limit becomes a gap.
 * @param {LiveState} state @param {number} roster @param {number} at @param {number[]} missing @param {number[] | null} [ids]
 */
export function read(state, roster, at, missing, ids = null) {
  const accounts = ids ? ids.map((id) => state.byId.get(id)).filter(Boolean) : state.rosters.get(roster);
  if (!accounts && !state.isGrouped) return false;
  if (at - state.lastRead > state.gapAfter && state.lastRead !== -Infinity) state.outages.push([state.lastRead, at]);
  state.lastRead = Math.max(state.lastRead, at);
  const without = new Set(missing);
  // With groups, this page knows only the rosters of accounts that changed; the groups it fetches again and again.
  for (const account of accounts ?? []) if (!without.has(account.id)) readAt(state, account, at);
  return true;
}

/** @param {LiveState} state @param {Account} account @param {number} at */
function readAt(state, account, at) {
  if (account.last !== null && at <= account.last) return;
  // An account that is read in time stays known: that is not a new fact.
  if (account.last === null || at - account.last > state.gapAfter) state.facts += 1;
  if (account.last !== null && at - account.last > state.gapAfter) account.gaps.push([account.last, at]);
  account.last = at;
}

/**
 * Fold a delta in. Answers "ok", "behind" when events or readings before it are missing here (nothing is folded in
 * then: a reading left out would look like a gap), or "reload" when it speaks of accounts this page does not know.
 * @param {LiveState} state @param {Delta} delta
 */
export function apply(state, delta) {
  state.now = Math.max(state.now, delta.now);
  if (delta.reload) return "reload";
  if (delta.since > state.id || delta.read_from > state.readTo) return "behind";
  let answer = "ok";
  if (delta.id > state.id) {
    state.id = delta.id;
    if (state.isGrouped && delta.accounts && !addChanged(state, delta)) answer = "reload";
    merge(state, delta);
    for (const [id, handle] of delta.renames ?? []) {
      const account = state.byId.get(id);
      if (account) account.handle = handle;
    }
    if (!state.isGrouped && delta.changes?.account.some((id) => !state.byId.has(id))) answer = "reload";
  }
  // Without an event as well: an order that is dated ahead becomes known when its time comes.
  if (delta.id >= state.id) for (const key of CONTEXT) if (delta[key]) Object.assign(state, { [key]: delta[key] });
  for (const one of delta.reads ?? []) if (!read(state, ...one)) answer = "reload";
  if (delta.reads) state.readTo = Math.max(state.readTo, delta.now);
  if (delta.kpis) state.kpis = delta.kpis;
  if (delta.detectors) state.detectors = delta.detectors;
  state.rev += 1;
  return answer;
}

export const RANGES = { "24h": DAY, "7d": 7 * DAY, "14d": 14 * DAY, "30d": 30 * DAY, "1y": 365 * DAY, all: Infinity };

/**
 * The time window of the board: the chosen range up to now, but from the first reading or order on where that is
 * later, at least an hour; with margins of 1 % and 2 % that keep what is at its ends visible.
 * @param {State} state @param {RangeName} range @returns {Span}
 */
export function windowOf(state, range) {
  const start = state.now - RANGES[range];
  const first = Math.min(state.earliest ?? state.now - DAY, state.now - HOUR, ...state.orders.map((o) => o.at).filter((t) => t >= start));
  const from = Math.max(start, first);
  const span = state.now - from;
  return [from === start ? from : from - span * 0.01, state.now + span * 0.02];
}

/** Times in which nothing at all was read, the last one open (null) while it lasts. @param {State} state @returns {Gap[]} */
export function outages(state) {
  const silent = state.now - state.lastRead > state.gapAfter && state.lastRead !== -Infinity;
  return silent ? [...state.outages, [state.lastRead, null]] : state.outages;
}

/**
 * Until when the account's state may be drawn: now while readings arrive, else its last reading.
 * @param {Pick<State, "now" | "gapAfter">} state @param {Pick<Account, "last">} account
 */
export function knownUntil(state, account) {
  if (account.last === null) return -Infinity;
  return state.now - account.last <= state.gapAfter ? state.now : account.last;
}

/** The parts of [from, to) in which the account was read. @param {Pick<Account, "gaps">} account @param {number} from @param {number} to */
export function covered(account, from, to) {
  let parts = [[from, to]];
  for (const [a, b] of account.gaps) {
    if (b <= from || a >= to) continue;
    parts = parts.flatMap(([p, q]) => (b <= p || a >= q ? [[p, q]] : [[p, a], [b, q]].filter(([x, y]) => y > x)));
  }
  return parts.filter(([p, q]) => q > p);
}

/**
 * The confirmed state at `t`: {s, w}, "U" when nobody looked, null before the account was first read.
 * @param {State} state @param {Account} account @param {number} t @returns {{ s: Letter, w: string } | null}
 */
export function stateAt(state, account, t) {
  const first = account.spells[0];
  if (!first || t < first.from) return null;
  if (t > knownUntil(state, account) || account.gaps.some(([a, b]) => t > a && t < b)) return { s: "U", w: "not checked" };
  const spell = account.spells.findLast((x) => x.from <= t) ?? first;
  return { s: spell.s, w: spell.w };
}

/** The confirmed state now. @param {State} state @param {Account} account */
export const stateNow = (state, account) => stateAt(state, account, state.now);
