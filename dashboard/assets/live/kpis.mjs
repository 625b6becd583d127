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

/**
 * The figures of a moment by name: [value, the words below it, whether these weigh].
 */
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
      k.last_restored !== null ? `last ${when(k.last_restored, state.now)}` : day ? "none so far" : "nothing read in 24 h", false,
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

export function renderKpis(state) {
  const k = state.kpis;
  for (const [name, [value, words, weighs]] of Object.entries(figures(state))) {
    put(`k-${name}`, value);
    put(`k-${name}-s`, words);
    document.getElementById(`k-${name}-s`).classList.toggle("strong", weighs);
  }
  document.getElementById("k-blocked-s").title = k.withheld_by.map(([c, n]) => `${n} in ${c}`).join("; ");
  put("k-unread-t", `Not checked, ${duration(2 * state.sweep)}`);
  split(k);
}

function provisionalWords(k, now) {
  if (!k.provisional) return "nothing waits for a re-read";
  if (k.next_read === undefined) return "further readings were wanted"; // of a moment that is over it is not on record when
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
