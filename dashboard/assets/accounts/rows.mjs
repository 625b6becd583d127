// The accounts of the page as rows: decoded, filtered, sorted; and the reader's choices as an address. No DOM in here.

import { amongWords, byHandle, postsIn } from "../board/posts.mjs";
import { capital, isBlocked } from "../board/state.mjs";
import { rows as rowsOf } from "../shell/columnar.mjs";
import { idsOf, rangesOf } from "../shell/ranges.mjs";
import { count } from "../shell/time.mjs";

/** The statuses that can be chosen, by their name in the address. */
export const STATUSES = [
  ["blocked", "Blocked: withheld or suspended"], ["withheld", "Withheld"], ["suspended", "Suspended"], ["gone", "Suspended or deleted"],
  ["not_found", "Not found"], ["deactivated", "Deactivated"], ["protected", "Protected"], ["available", "Available"],
  ["none", "Nothing confirmed yet"], ["provisional", "With a provisional change"],
];
/** @type {Record<string, Letter>} */
const LETTER = { withheld: "W", suspended: "S", gone: "G", not_found: "N", deactivated: "D", protected: "P", available: "A" };
/** Worst first, as a reader looks for it. @type {Partial<Record<Letter, number>>} */
const WEIGHT = { W: 0, S: 1, G: 2, N: 3, D: 4, P: 5, A: 6 };
export const WHOM = [["watched", "Watched"], ["file", "Stored, not watched"], ["all", "Watched and stored"]];
export const KINDS = [["accounts", "Accounts only"], ["posts", "Posts only"]];
/** What may be chosen, in the order in which it stands in the address. @type {(keyof Choice)[]} */
const KEYS = ["figure", "at", "q", "status", "country", "list", "order", "tag", "platform", "kind", "late", "repeatedly_blocked", "whom", "sort", "selected"];

/**
 * {now, rows, lists, orders, ...}: a row holds all that its line shows, its last spell is its state. What was before: `addPast`.
 * @param {AccountsTable} body @returns {AccountsState}
 */
export function decode(body) {
  const orderOf = new Map(body.orders.map((o) => [o.list, o]));
  const listOf = new Map(body.lists.map((l) => [l.id, l]));
  /** @type {Sure<number, AccountRow>} */
  const byId = new Map();
  const rows = rowsOf(body.accounts).map((a) => {
    const [last, gaps] = body.groups[a.group];
    /** @type {AccountRow} */
    const row = {
      id: a.id, platform: a.platform, native: a.native, handle: a.handle, post: a.post === 1, watched: a.watched === 1, from: null, last, gaps, spells: [], now: null, pending: null,
      lists: a.lists.flatMap((id) => listOf.get(id) ?? []),
      orders: a.lists.flatMap((id) => orderOf.get(id) ?? []),
      tags: a.tags.map((n) => body.tags[n]),
      countries: [],
      late: false,
      repeated: a.repeated === 1,
      text: "",
    };
    row.late = row.watched && (last === null || body.now - last > body.late_after);
    row.text = `@${row.handle}\n${row.native}\n${row.id}`.toLowerCase();
    byId.set(row.id, row);
    return row;
  });
  for (const s of rowsOf(body.spells)) {
    const row = byId.get(s.account);
    row.now = spellOf(s, body);
    row.spells = [row.now];
    row.countries = row.now.countries;
  }
  for (const p of rowsOf(body.provisional)) byId.get(p.account).pending = { s: p.s, w: body.words[p.w], old: p.old, seen: p.seen };
  return { now: body.now, gapAfter: body.gap_after, lateAfter: body.late_after, total: body.total, lists: body.lists, orders: body.orders, rows };
}

/** @param {AccountSpellRow} s @param {Pick<AccountsPast, "words" | "countries">} body */
const spellOf = (s, body) => ({ s: s.s, w: body.words[s.w], countries: body.countries[s.c] ? body.countries[s.c].split(" ") : [], onset: s.onset, from: s.from, to: s.to });

/**
 * Put what was before beside those of the rows that were asked for. It may be some minutes older than they are: what they say of now holds.
 * @param {AccountRow[]} rows @param {AccountsPast} body
 */
export function addPast(rows, body) {
  const byId = new Map(rows.map((row) => [row.id, row]));
  /** @type {Map<number, AccountSpell[]>} */
  const before = new Map();
  for (const s of rowsOf(body.spells)) before.set(s.account, [...(before.get(s.account) ?? []), spellOf(s, body)]);
  for (const { id, group } of rowsOf(body.accounts)) {
    const row = byId.get(id);
    if (!row) continue;
    const [last, gaps] = body.groups[group];
    const known = new Set(gaps.map(([from]) => from));
    row.gaps = [...gaps, ...row.gaps.filter(([from]) => !known.has(from))];
    row.from = body.from;
    row.last ??= last;
    row.spells = [...(before.get(id) ?? []).filter((s) => !row.now || s.from < row.now.from), ...(row.now ? [row.now] : [])];
  }
}

/** The reader's choices from an address; what is not there is empty. @param {string} search @returns {Choice} */
export function choiceOf(search) {
  const asked = new URLSearchParams(search);
  /** @type {Omit<Choice, "late" | "repeatedly_blocked" | "selected"> & { late: string, repeatedly_blocked: string, selected: string }} */
  const said = /** @type {any} */ (Object.fromEntries(KEYS.map((key) => [key, asked.get(key) ?? ""])));
  return {
    ...said,
    status: STATUSES.some(([name]) => name === said.status) ? said.status : "",
    kind: KINDS.some(([name]) => name === said.kind) ? said.kind : "",
    whom: WHOM.some(([name]) => name === said.whom) ? said.whom : "watched",
    late: said.late === "1",
    repeatedly_blocked: said.repeatedly_blocked === "1",
    selected: said.selected === "all" ? "all" : idsOf(said.selected),
  };
}

/**
 * The part of the address that says all choices, "" when there are none. A selection too long for it is left out.
 * @param {Choice} choice
 */
export function searchOf(choice) {
  const out = new URLSearchParams();
  for (const key of KEYS) {
    const { [key]: value } = choice;
    if (value instanceof Set) out.set(key, rangesOf(value));
    else if (typeof value === "boolean") out.set(key, value ? "1" : "");
    else if (key !== "whom" || value !== "watched") out.set(key, value);
    if (!out.get(key)) out.delete(key);
  }
  const text = out.toString().replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%2F", "/");
  return text ? `?${text}` : "";
}

/** Whether a row is among those chosen, and among the accounts behind the figure. @param {Choice} choice @param {Behind | null} behind */
export function matcher(choice, behind = null) {
  const words = choice.q.toLowerCase().trim().split(/\s+/).filter(Boolean);
  const letter = LETTER[choice.status];
  /** @type {((row: AccountRow) => boolean)[]} */
  const tests = [];
  if (words.length) tests.push((row) => words.every((w) => row.text.includes(w) || row.tags.some((t) => t.toLowerCase().includes(w))));
  if (letter) tests.push((row) => row.now?.s === letter);
  if (choice.status === "blocked") tests.push((row) => row.now !== null && isBlocked(row.now.s));
  if (choice.status === "none") tests.push((row) => row.now === null);
  if (choice.status === "provisional") tests.push((row) => row.pending !== null);
  if (choice.country) tests.push((row) => row.countries.includes(choice.country));
  if (choice.list) tests.push((row) => row.lists.some((l) => String(l.id) === choice.list));
  if (choice.order) tests.push((row) => row.orders.some((o) => String(o.id) === choice.order));
  if (choice.tag) tests.push((row) => row.tags.includes(choice.tag));
  if (choice.platform) tests.push((row) => row.platform === choice.platform);
  if (choice.kind) tests.push((row) => row.post === (choice.kind === "posts"));
  if (choice.late) tests.push((row) => row.late);
  if (choice.repeatedly_blocked) tests.push((row) => row.repeated);
  if (behind) tests.push((row) => behind.ids.has(row.id));
  return (/** @type {AccountRow} */ row) => tests.every((test) => test(row));
}

/** What the accounts behind a figure are, and how many of them the table does not have. @param {Behind} behind @param {AccountsState} state @param {string} when */
export function behindWords(behind, state, when) {
  const shown = state.rows.filter((row) => behind.ids.has(row.id));
  const away = behind.ids.size - shown.length;
  const posts = postsIn(shown);
  const isSaid = behind.words.startsWith(`${count(behind.ids.size)} post`);
  const among = posts && !isSaid ? ` ${capital(amongWords(behind.ids.size, posts))}.` : "";
  return `${behind.words}, as known ${when}.${among} The rows show them as they are now.${away ? ` Not in this table: ${count(away)} of them.` : ""}`;
}

/** Whether a filter is set. @param {Choice} choice */
export const isFiltered = (choice) => Boolean(choice.figure || choice.q.trim() || choice.status || choice.country || choice.list || choice.order || choice.tag || choice.platform || choice.kind || choice.late || choice.repeatedly_blocked);

/** The values that can be chosen from, each with how many accounts have it. @param {AccountsState} state */
export function facets(state) {
  /** @param {(row: AccountRow) => Iterable<string>} valuesOf */
  const tally = (valuesOf) => {
    const found = /** @type {Map<string, number>} */ (new Map());
    for (const row of state.rows) for (const value of valuesOf(row)) found.set(value, (found.get(value) ?? 0) + 1);
    return found;
  };
  return {
    country: tally((row) => row.countries), tag: tally((row) => row.tags), platform: tally((row) => [row.platform]),
    /** Empty if there are no posts: then there is nothing to choose. */
    kind: postsIn(state.rows) ? tally((row) => [row.post ? "posts" : "accounts"]) : /** @type {Map<string, number>} */ (new Map()),
    list: tally((row) => row.lists.map((l) => String(l.id))), order: tally((row) => row.orders.map((o) => String(o.id))),
  };
}

/** [[column, "asc" | "desc"], ...] of "since:desc,handle". @param {string} text @returns {[column: string, way: "asc" | "desc"][]} */
export function sortsOf(text) {
  return text.split(",").flatMap((part) => {
    const [column, way] = part.split(":");
    return Object.hasOwn(COMPARE, column) ? [[column, way === "desc" ? "desc" : "asc"]] : [];
  });
}

/** @param {number} a @param {number} b */
const byNumber = (a, b) => a - b;
/** @param {string} a @param {string} b */
const byText = (a, b) => a.localeCompare(b, "en", { numeric: true, sensitivity: "base" });
/** What is missing comes last, whichever way the column is sorted: `sign` is -1 when it is the other way round. */
/** @template T @param {(a: T, b: T) => number} compare @returns {(a: T | null, b: T | null, sign: number) => number} */
const missingLast = (compare) => (a, b, sign) => (a === null ? (b === null ? 0 : sign) : b === null ? -sign : compare(a, b));
/** @param {string[]} list */
const names = (list) => [...list].sort(byText).join(", ") || null;

const byAuthor = byHandle(byText);

/** @param {AccountRow} row */
const weight = (row) => (row.now ? WEIGHT[row.now.s] ?? null : null);

/** By column: how two rows compare in ascending order; `sign` as above. @type {Record<string, (a: AccountRow, b: AccountRow, sign: number) => number>} */
export const COMPARE = {
  handle: (a, b) => byAuthor(a, b) || byText(a.platform, b.platform),
  status: (a, b, sign) => missingLast(byNumber)(weight(a), weight(b), sign) || byText(a.now?.w ?? "", b.now?.w ?? ""),
  since: (a, b, sign) => missingLast(byNumber)(a.now?.from ?? null, b.now?.from ?? null, sign),
  countries: (a, b, sign) => missingLast(byText)(names(a.countries), names(b.countries), sign),
  lists: (a, b, sign) => missingLast(byText)(names(a.lists.map((l) => l.name)), names(b.lists.map((l) => l.name)), sign),
  orders: (a, b, sign) => missingLast(byText)(names(a.orders.map((o) => o.title)), names(b.orders.map((o) => o.title)), sign),
  tags: (a, b, sign) => missingLast(byText)(names(a.tags), names(b.tags), sign),
  last: (a, b, sign) => missingLast(byNumber)(a.last, b.last, sign),
  watched: (a, b) => Number(b.watched) - Number(a.watched),
};
