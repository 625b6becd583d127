// The figures at the top. The server counts them; a figure that is not known is a dash, never a zero.

import { count, DAY, duration, percent, shortly, zoneName } from "../shell/time.mjs";
import { groupName, uncapital } from "./state.mjs";

/** @param {State} state @param {Kpis} k */
function blockedWords(state, k) {
  const by = k.withheld_by;
  const [withholds, suspends] = [groupName(state, "W"), groupName(state, "S")].map(uncapital);
  const where = by.length === 1 ? ` in ${by[0][0].replaceAll(",", ", ").replace("XX", "all countries")}` : "";
  const withheld = `${count(k.withheld)} ${withholds}${where}`;
  const unread = k.blocked_unread ? `; ${count(k.blocked_unread)} not read lately` : "";
  return `${withheld}, ${count(k.suspended)} ${suspends}${unread}`;
}

/** The figures of a moment by name: [value, the words below it, whether these weigh]. @param {State} state @returns {Figures} */
export function figures(state) {
  const k = state.kpis;
  const known = k.watched > 0;
  const blocked = k.withheld + k.suspended;
  const looked = blocked > 0 || k.unread < k.watched;
  const day = state.now - state.lastRead < DAY; // where nobody looked, no change is not zero changes
  const hour = k.new_blocks_hour || state.now - state.lastRead < DAY / 24;
  return {
    blocked: [known && looked ? count(blocked) : "–", !known ? "no accounts watched" : looked ? blockedWords(state, k) : "nothing read lately", false],
    new: [k.new_blocks || day ? count(k.new_blocks) : "–", hour ? `${count(k.new_blocks_hour)} in the last hour` : "nothing read in the last hour", false],
    restored: [
      k.restored || day ? count(k.restored) : "–",
      k.last_restored !== null ? `last ${shortly(k.last_restored, state.now)} ${zoneName(k.last_restored)}` : day ? "none so far" : "nothing read in 24 h", false,
    ],
    provisional: [count(k.provisional), provisionalWords(k, state.now), false],
    orders: [
      count(k.orders),
      k.orders_overdue ? `${count(k.orders_overdue)} past ${k.orders_overdue === 1 ? "its" : "their"} deadline` : k.orders ? "none past its deadline" : "none recorded",
      k.orders_overdue > 0,
    ],
    unread: [known ? percent(k.unread, k.watched) : "–", known ? `${count(k.unread)} of ${count(k.watched)} accounts` : "no accounts watched", k.unread > k.watched / 2],
  };
}

/** @param {Kpis} k @param {number} now */
function provisionalWords(k, now) {
  if (!k.provisional) return "nothing waits for a re-read";
  if (k.next_read === undefined) return "awaited further readings"; // for a past moment, the planned time is not recorded
  if (k.next_read === null) return "re-read not planned";
  return k.next_read <= now ? "re-read is due" : `next re-read in ${duration(k.next_read - now)}`;
}
