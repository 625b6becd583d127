// The tooltip: exact words for the moment under the pointer.

import { $, escaped } from "../shell/dom.mjs";
import { between, count, duration, full, stamp, zoneName } from "../shell/time.mjs";
import { causeLine } from "./causes.mjs";
import { countAt } from "./counts.mjs";
import { happened } from "./feed.mjs";
import { counted, postsIn, sizeOf } from "./posts.mjs";
import { capital, groupName, knownUntil, letters } from "./state.mjs";

const tip = () => $("tip");

export function hideTip() {
  if (!tip().hidden) tip().hidden = true;
}

/** @param {string} html @param {At} event */
export function showTip(html, event) {
  const box = tip();
  box.innerHTML = html;
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  const x = event.clientX + 16 + width > innerWidth - 8 ? event.clientX - 16 - width : event.clientX + 16;
  const y = event.clientY + 14 + height > innerHeight - 8 ? event.clientY - 14 - height : event.clientY + 14;
  box.style.transform = `translate(${Math.max(8, Math.round(x))}px, ${Math.max(8, Math.round(y))}px)`;
}

/** @param {string} words */
export const tipLine = (words) => `<div>${words}</div>`;

/** @param {State} state @param {Account} account @param {number} t @param {At} event */
export function tipForAccount(state, account, t, event) {
  const out = [`<b>@${escaped(account.handle)}</b>`, `<div class="faint">${full(t)}</div>`];
  out.push(...momentLines(state, account, t).map(tipLine));
  const cause = causeLine(state, account, t);
  if (cause) out.push(tipLine(escaped(cause)));
  showTip(out.join(""), event);
}

/**
 * How many of a group of lanes were in which status, in words.
 * @param {State} state @param {Account[]} group @param {number} t @param {At} event
 */
export function tipForGroup(state, group, t, event) {
  const counts = countAt(state, group, t);
  const size = sizeOf(group);
  const unread = size - counts.n + counts.U;
  const lines = letters("WSGNDPA").filter((s) => counts[s]).map((s) => tipLine(`<b>${count(counts[s])}</b> ${escaped(groupName(state, s).toLowerCase())}`));
  if (unread) lines.push(tipLine(`<b>${count(unread)}</b> not checked, status not known`));
  const leads = group.every((a) => a.isQuiet) ? "Without a change in this range" : "Press to see their lanes";
  showTip(`<b>${counted(size, postsIn(group))}</b><div class="faint">${full(t)}</div>${lines.join("")}<div class="faint">${leads}</div>`, event);
}

/** What is known about one account at one time, in sentences. @param {State} state @param {Account} account @param {number} t */
export function momentLines(state, account, t) {
  const gap = account.gaps.find(([a, b]) => t > a && t < b);
  const until = knownUntil(state, account);
  const first = account.spells[0];
  if (!first) return account.pending ? ["First reading, not yet confirmed"] : ["Not yet read"];
  if (t < first.from) return [first.onset === null ? "Not read before" : "No reading before this window"];
  if (gap) return [`Not checked for ${duration(gap[1] - gap[0])}`, between(gap[0], gap[1]), "No reading, so the status is not known"];
  if (t > until) return [`Not checked since ${stamp(until)} ${zoneName(until)}`, "No reading, so the status is not known"];
  const open = account.changes.find((c) => c.outcome !== "confirmed" && t >= (c.old ?? c.seen) && t <= (c.last ?? state.now));
  const out = [];
  const spell = account.spells.findLast((s) => s.from <= t) ?? first;
  const next = account.spells[account.spells.indexOf(spell) + 1];
  if (next && next.onset !== null && t > next.onset) {
    out.push(`Changed here from ${escaped(spell.w)} to ${escaped(next.w)}`, between(next.onset, next.from));
  } else {
    out.push(`<b>${escaped(capital(spell.w))}</b>`);
    if (spell.onset !== null) out.push(`since ${between(spell.onset, spell.from)}`);
    const most = next ? `at least ${duration((next.onset ?? next.from) - spell.from)}, at most ${duration(next.from - (spell.onset ?? spell.from))}` : null;
    if (most && spell.onset !== null) out.push(most);
  }
  if (open) {
    const how = open.outcome === null ? "provisional, no email yet" : "not confirmed";
    out.push(`<i>${escaped(capital(happened(open)))}? ${how}</i>`, between(open.old, open.seen));
  }
  return out;
}
