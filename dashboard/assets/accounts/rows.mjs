// The accounts of the page as rows: decoded; and the reader's choices as an address. The server filters and sorts. No DOM in here.

import { amongWords } from "../board/posts.mjs";
import { capital } from "../board/state.mjs";
import { rows as rowsOf } from "../shell/columnar.mjs";
import { idsOf, rangesOf } from "../shell/ranges.mjs";
import { count } from "../shell/time.mjs";

/** The statuses that can be chosen, by their name in the address. */
export const STATUSES = [
  ["blocked", "Blocked: withheld or suspended"], ["withheld", "Withheld"], ["suspended", "Suspended"], ["gone", "Suspended or deleted"],
  ["not_found", "Not found"], ["deactivated", "Deactivated"], ["protected", "Protected"], ["available", "Available"],
  ["none", "Nothing confirmed yet"], ["provisional", "With a provisional change"],
];
export const WHOM = [["watched", "Watched"], ["file", "Stored, not watched"], ["all", "Watched and stored"]];
export const KINDS = [["accounts", "Accounts only"], ["posts", "Posts only"]];
/** What may be chosen, in the order in which it stands in the address. @type {(keyof Choice)[]} */
const KEYS = ["figure", "at", "q", "status", "country", "list", "order", "tag", "platform", "kind", "late", "repeatedly_blocked", "whom", "sort", "selected"];

/** The columns by which the server sorts. */
export const SORTED = ["handle", "status", "since", "countries", "lists", "orders", "tags", "last", "watched"];

/**
 * {now, rows, ...}: a row holds all that its line shows, its last spell is its state. What was before: `addPast`.
 * @param {AccountsTable} body @param {Pick<AccountChoices, "lists" | "orders">} choices @returns {AccountsState}
 */
export function decode(body, { lists, orders }) {
  const orderOf = new Map(orders.map((o) => [o.list, o]));
  const listOf = new Map(lists.map((l) => [l.id, l]));
  /** @type {Map<number, AccountRow>} */
  const byId = new Map();
  for (const a of rowsOf(body.accounts)) {
    const [last, gaps] = body.groups[a.group];
    byId.set(a.id, {
      id: a.id, platform: a.platform, native: a.native, handle: a.handle, post: a.post === 1, watched: a.watched === 1, from: null, last, gaps, spells: [], now: null, pending: null,
      lists: a.lists.flatMap((id) => listOf.get(id) ?? []),
      orders: a.lists.flatMap((id) => orderOf.get(id) ?? []),
      tags: a.tags.map((n) => body.tags[n]),
      countries: [],
      late: a.watched === 1 && (last === null || body.now - last > body.late_after),
      gone: false,
    });
  }
  for (const s of rowsOf(body.spells)) {
    const row = byId.get(s.account);
    if (!row) continue;
    row.now = spellOf(s, body);
    row.spells = [row.now];
    row.countries = row.now.countries;
  }
  for (const p of rowsOf(body.provisional)) {
    const row = byId.get(p.account);
    if (row) row.pending = { s: p.s, w: body.words[p.w], old: p.old, seen: p.seen };
  }
  return { now: body.now, gapAfter: body.gap_after, lateAfter: body.late_after, shown: body.shown, listing: body.listing, rows: body.ids.map((id) => byId.get(id) ?? goneRow(id)) };
}

/** What keeps the place of an account that is no longer there. @param {number} id @returns {AccountRow} */
const goneRow = (id) => ({ id, platform: "", native: "", handle: "", post: false, watched: false, from: null, last: null, gaps: [], spells: [], now: null, pending: null, lists: [], orders: [], tags: [], countries: [], late: false, gone: true });

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

/** The parameters by which the server knows the listing: all but what is selected. @param {Choice} choice @param {string} sort */
export function listingOf(choice, sort) {
  const { selected: _, sort: __, ...rest } = choice;
  const out = new URLSearchParams();
  for (const [key, value] of Object.entries({ ...rest, sort })) if (value) out.set(key, value === true ? "1" : String(value));
  return out;
}

/** What the accounts behind a figure are, and how many of them the table does not have. @param {Behind} behind @param {{ shown: number, posts: number }} found @param {string} when */
export function behindWords(behind, { shown, posts }, when) {
  const away = behind.n - shown;
  const isSaid = behind.words.startsWith(`${count(behind.n)} post`);
  const among = posts && !isSaid ? ` ${capital(amongWords(behind.n, posts))}.` : "";
  return `${behind.words}, as known ${when}.${among} The rows show them as they are now.${away ? ` Not in this table: ${count(away)} of them.` : ""}`;
}

/** Whether a filter is set. @param {Choice} choice */
export const isFiltered = (choice) => Boolean(choice.figure || choice.q.trim() || choice.status || choice.country || choice.list || choice.order || choice.tag || choice.platform || choice.kind || choice.late || choice.repeatedly_blocked);

/** The values that can be chosen from, each with how many accounts have it. @param {AccountChoices} choices */
export function facets({ platforms, countries, tags, lists, orders, total, posts }) {
  const ofList = new Map(lists.map((l) => [l.id, l.n]));
  /** @param {[string, number][]} pairs */
  const some = (pairs) => new Map(pairs.filter(([, n]) => n > 0));
  return {
    country: new Map(countries), tag: new Map(tags), platform: new Map(platforms),
    /** Empty if there are no posts: then there is nothing to choose. */
    kind: some(posts ? [["accounts", total - posts], ["posts", posts]] : []),
    list: some(lists.map((l) => [String(l.id), l.n])), order: some(orders.map((o) => [String(o.id), ofList.get(o.list) ?? 0])),
  };
}

/** [[column, "asc" | "desc"], ...] of "since:desc,handle". @param {string} text @returns {[column: string, way: "asc" | "desc"][]} */
export function sortsOf(text) {
  return text.split(",").flatMap((part) => {
    const [column, way] = part.split(":");
    return SORTED.includes(column) ? [[column, way === "desc" ? "desc" : "asc"]] : [];
  });
}
