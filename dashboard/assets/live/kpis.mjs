// The figures at the top. They are counted by the server; a figure that is not known is a dash, never a zero.

import { bar, prepare } from "./marks.mjs";
import { groupName } from "./state.mjs";
import { clock, count, DAY, dayStart, duration, percent, stamp, zoneName } from "./time.mjs";

const put = (id, words) => {
  const element = document.getElementById(id);
  if (element.textContent !== words) element.textContent = words;
};

function when(t, now) {
  return `${dayStart(t) === dayStart(now) ? clock(t) : stamp(t)} ${zoneName(t)}`;
}

function blockedWords(state, k) {
  const by = k.withheld_by;
  const [withholds, suspends] = [groupName(state, "W"), groupName(state, "S")].map((name) => name.toLowerCase());
  const where = by.length === 1 ? ` in ${by[0][0].replaceAll(",", ", ").replace("XX", "all countries")}` : "";
  const withheld = `${count(k.withheld)} ${withholds}${where}`;
  const unread = k.blocked_unread ? `; ${count(k.blocked_unread)} not read lately` : "";
  return `${withheld}, ${count(k.suspended)} ${suspends}${unread}`;
}

export function renderKpis(state) {
  const k = state.kpis;
  const known = k.watched > 0;
  const blocked = k.withheld + k.suspended;
  const looked = blocked > 0 || k.unread < k.watched;
  put("k-blocked", known && looked ? count(blocked) : "–");
  put("k-blocked-s", !known ? "no accounts watched" : looked ? blockedWords(state, k) : "nothing read lately");
  document.getElementById("k-blocked-s").title = k.withheld_by.map(([c, n]) => `${n} in ${c}`).join("; ");
  const day = state.now - state.lastRead < DAY; // where nobody looked, no change is not zero changes
  put("k-new", k.new_blocks || day ? count(k.new_blocks) : "–");
  put("k-new-s", k.new_blocks_hour || state.now - state.lastRead < DAY / 24 ? `${count(k.new_blocks_hour)} in the last hour` : "nothing read in the last hour");
  put("k-restored", k.restored || day ? count(k.restored) : "–");
  put("k-restored-s", k.last_restored !== null ? `last ${when(k.last_restored, state.now)}` : day ? "none so far" : "nothing read in 24 h");
  put("k-provisional", count(k.provisional));
  put("k-provisional-s", provisionalWords(k, state.now));
  put("k-orders", count(k.orders));
  put("k-orders-s", k.orders_overdue ? `${count(k.orders_overdue)} past ${k.orders_overdue === 1 ? "its" : "their"} deadline` : k.orders ? "none past its deadline" : "none recorded");
  document.getElementById("k-orders-s").classList.toggle("strong", k.orders_overdue > 0);
  put("k-unread-t", `Not checked, ${duration(2 * state.sweep)}`);
  put("k-unread", known ? percent(k.unread, k.watched) : "–");
  put("k-unread-s", known ? `${count(k.unread)} of ${count(k.watched)} accounts` : "no accounts watched");
  document.getElementById("k-unread-s").classList.toggle("strong", k.unread > k.watched / 2);
  split(k);
}

function provisionalWords(k, now) {
  if (!k.provisional) return "nothing waits for a re-read";
  if (k.next_read === null) return "re-read not planned";
  return k.next_read <= now ? "re-read is due" : `next re-read in ${duration(k.next_read - now)}`;
}

function split(k) {
  const canvas = document.getElementById("k-split");
  const width = canvas.parentElement.clientWidth - document.getElementById("k-blocked").offsetWidth - 16;
  canvas.hidden = width < 60 || k.withheld + k.suspended === 0;
  if (canvas.hidden) return;
  const g = prepare(canvas, width, 10);
  const first = (width * k.withheld) / (k.withheld + k.suspended);
  bar(g, 0, 0, first - (k.suspended ? 1 : 0), 10, "W");
  bar(g, first + (k.withheld ? 1 : 0), 0, width - first - 1, 10, "S");
}
