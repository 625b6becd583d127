// What the Live page counts of the same accounts, sent one by one and with groups of quiet accounts.
//
//     node grouped-and-single.mjs < BODIES
//
// BODIES is [single, grouped, times]: two first answers as JSON, each with what came after it as "news" or without, and
// moments in milliseconds. Prints {single, grouped, sent}: by name, how many accounts of all and of each list were in which
// status at each moment and in the drawings, and the figures of each list; and the accounts that were sent one by one.

import { readFileSync } from "node:fs";
import { countAt, means, members, roomForMeans, tally } from "../../dashboard/assets/board/counts.mjs";
import { figuresOf } from "../../dashboard/assets/board/kpis.mjs";
import { sizeOf } from "../../dashboard/assets/board/posts.mjs";
import { groups, roomForShares, stacked } from "../../dashboard/assets/board/shares.mjs";
import { apply, decode } from "../../dashboard/assets/board/state.mjs";

const [single, grouped, times] = JSON.parse(readFileSync(0, "utf8"));
const states = [single, grouped].map(({ news, ...body }) => {
  const state = decode(body);
  if (news) apply(state, news);
  return state;
});
const rounded = (column, by) => Array.from(column, (v) => Math.round(v * by) / by);
const plain = (columns) => Object.fromEntries(Object.entries(columns).map(([s, column]) => [s, Array.from(column)]));
const [from, to] = [times[0], times.at(-1)];
const PARTS = 23;

function facts(state) {
  const out = {};
  for (const [name, list] of [["all", state.accounts], ...state.lists.map((l) => [l.name, members(state, l.id)])]) {
    out[`size of ${name}`] = sizeOf(list);
    out[`posts and figures of ${name}`] = figuresOf(state, list).kpis;
    for (const t of times) out[`${name} at ${t}`] = countAt(state, list, t);
    if (list.length) out[`tally of ${name}`] = plain(tally(state, list, from, to, PARTS));
    if (list.length) out[`means of ${name}`] = rounded(means(state, list, from, to, roomForMeans(PARTS)), 1e6);
  }
  // One band for all: the same shares, however they are put together.
  for (const [i, band] of groups(state.accounts, 1).entries()) out[`band ${i}`] = rounded(stacked(state, band, from, to, roomForShares(PARTS)), 1e4);
  return out;
}

const [one, other] = states.map(facts);
console.log(JSON.stringify({ single: one, grouped: other, sent: states.map((s) => s.accounts.filter((a) => !a.isQuiet).map((a) => a.id)) }));
