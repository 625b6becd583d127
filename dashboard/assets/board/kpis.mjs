// The figures at the top. The server counts them; a figure that is not known is a dash, never a zero.

import { count, DAY, duration, HOUR, percent, shortly, stamp, zoneName } from "../shell/time.mjs";
import { amongWords, NO_POSTS, ofPostsWords, partOf, sizeOf } from "./posts.mjs";
import { groupName, isBlocked, uncapital } from "./state.mjs";

/** @param {Pick<State, "platforms">} state @param {Kpis} k */
function blockedWords(state, k) {
  const by = k.withheld_by;
  const [withholds, suspends] = [groupName(state, "W"), groupName(state, "S")].map(uncapital);
  const where = by.length === 1 ? ` in ${by[0][0].replaceAll(",", ", ").replace("XX", "all countries")}` : "";
  const withheld = `${count(k.withheld)} ${withholds}${where}`;
  const unread = k.blocked_unread ? `; ${count(k.blocked_unread)} not read lately` : "";
  return `${withheld}, ${count(k.suspended)} ${suspends}${unread}`;
}

/**
 * The figures of a moment by name: [value, the words below it, whether these are emphasised, how many posts it counts].
 * @param {Pick<State, "now" | "lastRead" | "platforms" | "kpis">} state @returns {Figures}
 */
export function figures(state) {
  const k = state.kpis;
  // If only posts are watched, no figure has to say how many of them are posts.
  const posts = k.posts.watched < k.watched ? k.posts : { ...NO_POSTS, watched: k.posts.watched };
  const known = k.watched > 0;
  const blocked = k.withheld + k.suspended;
  const looked = blocked > 0 || k.unread < k.watched;
  const day = state.now - state.lastRead < DAY; // where nobody looked, no change is not zero changes
  const hour = k.new_blocks_hour || state.now - state.lastRead < DAY / 24;
  return {
    blocked: [known && looked ? count(blocked) : "–", !known ? "no accounts watched" : looked ? blockedWords(state, k) : "nothing read lately", false, amongWords(blocked, posts.blocked)],
    new: [k.new_blocks || day ? count(k.new_blocks) : "–", hour ? `${count(k.new_blocks_hour)} in the last hour` : "nothing read in the last hour", false, ofPostsWords(k.new_blocks, posts.new_blocks)],
    restored: [
      k.restored || day ? count(k.restored) : "–",
      k.last_restored !== null ? `last ${shortly(k.last_restored, state.now)} ${zoneName(k.last_restored)}` : day ? noneWords(k) : "nothing read in 24 h", false, ofPostsWords(k.restored, posts.restored),
    ],
    provisional: [count(k.provisional), provisionalWords(k, state.now), false, ofPostsWords(k.provisional, posts.provisional)],
    orders: [
      count(k.orders),
      k.orders_overdue ? `${count(k.orders_overdue)} past ${k.orders_overdue === 1 ? "its" : "their"} deadline` : k.orders ? "none past its deadline" : "none recorded",
      k.orders_overdue > 0, "",
    ],
    unread: [
      known ? percent(k.unread, k.watched) : "–", known ? partOf(k.unread, k.watched, posts.watched) : "no accounts watched", k.unread > k.watched / 2,
      amongWords(k.unread, posts.unread),
    ],
  };
}

/** @param {Kpis} k */
const noneWords = (k) => (k.held_from === undefined ? "none so far" : `none since ${stamp(k.held_from)} ${zoneName(k.held_from)}`);

/** @param {Kpis} k @param {number} now */
function provisionalWords(k, now) {
  if (!k.provisional) return "nothing waits for a re-read";
  if (k.held_from !== undefined) return "each waits for a re-read";
  if (k.next_read === undefined) return "awaited further readings"; // for a past moment, the planned time is not recorded
  if (k.next_read === null) return "re-read not planned";
  return k.next_read <= now ? "re-read is due" : `next re-read in ${duration(k.next_read - now)}`;
}

/**
 * The same figures of some accounts, counted as the server counts those of all (storage/live/kpis.py).
 * @param {LiveState} state @param {Account[]} list
 */
export function figuresOf(state, list) {
  const { now } = state;
  const among = new Set(list.map((a) => a.id));
  const ofLists = new Set(list.flatMap((a) => a.lists));
  const orders = state.orders.filter((o) => ofLists.has(o.list));
  /** @type {Kpis} */
  const k = {
    watched: sizeOf(list), withheld: 0, withheld_by: [], suspended: 0, unread: 0, blocked_unread: 0, provisional: 0,
    new_blocks: 0, new_blocks_hour: 0, restored: 0, last_restored: null, held_from: state.from,
    orders: orders.length, orders_overdue: orders.filter((o) => o.deadline !== null && o.deadline < now).length,
    posts: { ...NO_POSTS },
  };
  const { posts } = k;
  let lastRead = Number.NEGATIVE_INFINITY;
  for (const account of list) {
    const isLate = account.last === null || now - account.last >= 2 * state.sweep;
    lastRead = Math.max(lastRead, account.last ?? lastRead);
    const { s } = account.spells.findLast((spell) => spell.to === null) ?? { s: "U" };
    const { n } = account;
    const post = account.post ? n : 0;
    posts.watched += post;
    if (isLate) k.unread += n;
    if (isLate) posts.unread += post;
    if (isBlocked(s)) posts.blocked += post;
    if (s === "W") k.withheld += n;
    if (s === "S") k.suspended += n;
    if (isLate && isBlocked(s)) k.blocked_unread += n;
  }
  for (const { account, kind, outcome, seen } of state.changes.values()) {
    if (!among.has(account) || kind === "baseline" || seen > now) continue;
    const post = Number(state.byId.get(account).post);
    if (outcome === null) k.provisional += 1;
    if (outcome === null) posts.provisional += post;
    if (outcome !== "confirmed") continue;
    if (kind === "restoration") k.last_restored = Math.max(k.last_restored ?? seen, seen);
    if (seen <= now - DAY) continue;
    if (kind === "restoration") k.restored += 1;
    if (kind === "restoration") posts.restored += post;
    if (kind === "block") k.new_blocks += 1;
    if (kind === "block") posts.new_blocks += post;
    if (kind === "block" && seen > now - HOUR) k.new_blocks_hour += 1;
  }
  return { now, platforms: state.platforms, lastRead, kpis: k, orders };
}
