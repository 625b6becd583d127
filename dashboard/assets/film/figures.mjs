// The figures of a moment, counted as the server counts those of now; and how far an order had been followed then.

import { postsIn } from "../board/posts.mjs";
import { isBlocked, LETTERS } from "../board/state.mjs";
import { DAY, HOUR } from "../shell/time.mjs";
import { during } from "./columns.mjs";
import { after, upTo } from "./sorted.mjs";

/** Whether each account had not been read in the last two sweeps. @param {Moment} of */
const lateness = ({ lasts, now, film }) => (/** @type {number} */ i) => now - lasts[i] >= film.lateAfter;

/** @param {Moment} state */
export function byStatusOf(state) {
  const out = Object.fromEntries([...LETTERS, "first"].filter((s) => s !== "U").map((s) => [s, [0, 0]]));
  const { s } = state.film.spells;
  const { current, here } = state;
  const isLate = lateness(state);
  for (let i = 0; i < here.length; i++) {
    if (!here[i]) continue;
    const v = current[i];
    const of = out[v < 0 ? "first" : LETTERS[s[v]]];
    of[0] += 1;
    if (isLate(i)) of[1] += 1;
  }
  return out;
}

/** @param {Moment} state */
export function countriesOf(state) {
  const found = new Map();
  const isLate = lateness(state);
  eachWithheld(state, (countries, i) => {
    for (const code of countries) {
      const row = found.get(code) ?? [code, 0, 0];
      row[1] += 1;
      if (isLate(i)) row[2] += 1;
      found.set(code, row);
    }
  });
  return [...found.values()].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

/** @param {Moment} state @param {(countries: string[], i: number) => void} tell */
function eachWithheld(state, tell) {
  const { s, c } = state.film.spells;
  const { current, here } = state;
  for (let i = 0; i < here.length; i++) {
    if (!here[i]) continue;
    const v = current[i];
    if (v >= 0 && LETTERS[s[v]] === "W") tell(state.film.countries[c[v]], i);
  }
}

/** @param {Moment} state */
export function kpisOf(state) {
  const { byStatus } = state;
  const by = new Map();
  eachWithheld(state, (countries) => by.set(countries.join(), (by.get(countries.join()) ?? 0) + 1));
  const { posts, ...news } = newsOf(state);
  return {
    watched: state.watched, withheld: byStatus.W[0], suspended: byStatus.S[0],
    withheld_by: [...by].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)),
    ...news,
    orders: state.orders.length, orders_overdue: state.orders.filter((o) => o.deadline !== null && o.deadline < state.now).length,
    unread: Object.values(byStatus).reduce((sum, [, late]) => sum + late, 0), blocked_unread: byStatus.W[1] + byStatus.S[1],
    posts: { watched: postsIn(state.accounts), ...posts, ...postsByStatusOf(state) },
  };
}

/** How many posts are blocked, and how many were not read lately. @param {Moment} state */
function postsByStatusOf(state) {
  const { s } = state.film.spells;
  const isLate = lateness(state);
  const out = { blocked: 0, unread: 0 };
  for (const { i, post } of state.accounts) {
    if (!post) continue;
    const v = state.current[i];
    if (v >= 0 && isBlocked(LETTERS[s[v]])) out.blocked += 1;
    if (isLate(i)) out.unread += 1;
  }
  return out;
}

/** Of the last day, and what is not decided. @param {Moment} state */
function newsOf(state) {
  const { changes } = state.film;
  const { now, here } = state;
  /** @type {Pick<Kpis, "new_blocks" | "new_blocks_hour" | "restored" | "last_restored" | "provisional"> & { posts: Pick<PostKpis, "new_blocks" | "restored" | "provisional"> }} */
  const out = { new_blocks: 0, new_blocks_hour: 0, restored: 0, last_restored: null, provisional: 0, posts: { new_blocks: 0, restored: 0, provisional: 0 } };
  const { posts } = out;
  /** @param {number} j */
  const post = (j) => Number(state.all[changes.account[j]].post);
  /** @param {number} j */
  const counts = (j) => changes.isNews[j] && here[changes.account[j]] && state.tells(j);
  const end = after(changes.seen, now);
  const day = upTo(changes.seen, now - DAY + 1);
  for (let j = day; j < end; j++) {
    if (!counts(j) || state.outcomeOf(j) !== "confirmed") continue;
    if (changes.kind[j] === "restoration") {
      out.restored += 1;
      posts.restored += post(j);
    }
    if (changes.kind[j] !== "block") continue;
    out.new_blocks += 1;
    posts.new_blocks += post(j);
    if (changes.seen[j] > now - HOUR) out.new_blocks_hour += 1;
  }
  for (let j = end - 1; j >= 0 && out.last_restored === null; j--) {
    if (changes.kind[j] === "restoration" && counts(j) && state.outcomeOf(j) === "confirmed") out.last_restored = changes.seen[j];
  }
  for (let j = 0; j < end; j++) {
    if (changes.decided[j] <= state.by || !counts(j)) continue;
    out.provisional += 1;
    posts.provisional += post(j);
  }
  return out;
}

// How far an order had been followed is the funnel of storage/model/orders/cohort.py.
const EVERYWHERE = "XX";

/** What a confirmed state is, seen from the country of the order. @param {Film} film @param {number} v @param {string} country */
function kindOf(film, v, country) {
  const s = LETTERS[film.spells.s[v]];
  if (s !== "W") return s === "A" || s === "P" ? "back" : s === "S" ? "block" : "gone";
  const countries = film.countries[film.spells.c[v]];
  return countries.includes(country) || countries.includes(EVERYWHERE) ? "block" : "back";
}

/**
 * Counts the accounts on an order's list, each once: `named` by the order, `onList`, `watched` and `read` of them, `ever`
 * seen blocked since the order, `before` it already, blocked `now`, of those `stale` (not read lately), `restored` and
 * `gone`. `posts` are the posts on the list, which no other number counts.
 * @param {Moment} state @param {FilmOrder} order
 */
export function complianceOf(state, order) {
  const { film, by } = state;
  const all = (film.members.get(order.list) ?? []).filter((m) => during(m.times, by)).map((m) => m.account);
  const members = all.filter((i) => !state.all[i].post);
  const begin = order.from ?? order.at;
  const out = { order, named: order.named, onList: members.length, posts: all.length - members.length, watched: 0, read: 0, ever: 0, before: 0, now: 0, stale: 0, restored: 0, gone: 0 };
  for (const i of members) {
    if (state.here[i]) out.watched += 1;
    if (state.current[i] >= 0) out.read += 1;
    const first = firstBlock(state, i, order.country, begin);
    if (first === null) continue;
    out.ever += 1;
    if (first <= begin) out.before += 1;
    const v = state.current[i];
    const kind = v < 0 ? null : kindOf(film, v, order.country);
    if (kind === "block") {
      out.now += 1;
      if (!isRead(state, i)) out.stale += 1;
    }
    if (kind === "back") out.restored += 1;
    if (kind === "gone") out.gone += 1;
  }
  return out;
}

/** @param {Moment} state @param {number} i */
const isRead = (state, i) => state.now - state.lastOf(i) <= state.gapAfter;

/**
 * When the first block was seen of those that were seen since `begin`; null for none.
 * @param {Moment} state @param {number} i @param {string} country @param {number} begin
 */
function firstBlock(state, i, country, begin) {
  const { film, now, by } = state;
  const { start, from, onset, known, until } = film.spells;
  let since = null;
  for (let v = start[i]; v < start[i + 1] && from[v] <= now; v++) {
    if (known[v] > by || until[v] <= by) continue;
    if (kindOf(film, v, country) === "block") {
      since ??= from[v];
    } else if (since !== null) {
      const last = Number.isNaN(onset[v]) ? from[v] : onset[v];
      if (Math.max(since, last) >= begin) return since;
      since = null;
    }
  }
  if (since === null) return null;
  return Math.max(since, sureUntil(state, i) ?? since) >= begin ? since : null;
}

/** The newest reading that agrees with what is confirmed. @param {Moment} state @param {number} i */
function sureUntil(state, i) {
  const { last, pending } = state.all[i];
  return last === null || !pending || pending.old === null ? last : Math.min(last, pending.old);
}
