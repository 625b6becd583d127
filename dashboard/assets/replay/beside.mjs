// Around the board: the figures of the moment, the emails sent up to it, and the compliance with each order.

import { figures } from "../board/kpis.mjs";
import { counted } from "../board/posts.mjs";
import { escaped, patch, say, write } from "../shell/dom.mjs";
import { clock, count, DAY, duration, percent, stamp, zoneName } from "../shell/time.mjs";
import { address, other, scope, shown, stage } from "./stage.mjs";

/** @param {Moment} state */
const NAMES = (state) => ({
  blocked: "Blocked then", new: "▼ New blocks, 24 h", restored: "▲ Restored, 24 h", provisional: "Provisional", orders: "Orders",
  unread: `Not checked, ${duration(2 * state.sweep)}`,
});

/** What the server calls the accounts of each. @type {Partial<Record<keyof Figures, string>>} */
const BEHIND = { blocked: "confirmed/WS", new: "recent/block", restored: "recent/restoration", provisional: "provisional", unread: "late" };

/** A figure as a link to its accounts; one that is not known leads nowhere. @param {keyof Figures} name @param {string} value */
function led(name, value) {
  const figure = BEHIND[name];
  const href = name === "orders" ? "/orders" : figure ? address(`${scope()}/${figure}/${new Date(stage.t).toISOString()}`) : null;
  return value === "–" || href === null ? value : `<a href="${escaped(href)}">${value}</a>`;
}

/** "as it was: 250" @param {string} value */
const otherwise = (value) => `${stage.knew === null ? "as known then" : "as it was"}: ${value}`;

/** The figures of the moment; violet shows those that differ in the other view. @param {HTMLElement} root */
export function renderFigures(root) {
  const state = shown();
  const here = figures(state);
  const elsewhere = figures(other());
  const html = /** @type {[keyof Figures, string][]} */ (Object.entries(NAMES(state)))
    .map(([name, label]) => {
      const [value, words, weighs, posts] = here[name];
      const differs = elsewhere[name][0] !== value;
      const below = differs ? `<dd class="s f-other">${otherwise(elsewhere[name][0])}</dd>` : `<dd class="s${weighs ? " strong" : ""}" title="${words}">${words}</dd>`;
      return `<div class="kpi${differs ? " differs" : ""}"><dt>${label}</dt><dd class="v" data-figure="${name}">${led(name, value)}</dd>${below}${posts && value !== "–" ? `<dd class="s posts">${posts}</dd>` : ""}</div>`;
    })
    .join("");
  patch(root, html);
}

const MAILS = 12;

/** @param {HTMLElement} root @param {HTMLElement} number @param {Moment} state */
export function renderMails(root, number, state) {
  const sent = [...state.mails.values()].filter((m) => m.state === "sent").sort((a, b) => b.t - a.t);
  say(number, sent.length ? count(sent.length) : "none");
  const rows = sent.slice(0, MAILS).map(
    (m) => `<li><a href="/mail/${m.id}">${escaped(m.subject)}</a><span>${when(m.t, state.now)} to ${count(m.n)}</span></li>`,
  );
  if (sent.length > MAILS) rows.push(`<li class="faint">and ${count(sent.length - MAILS)} earlier</li>`);
  write(root, rows.join(""));
}

/** @param {number} t @param {number} now */
const when = (t, now) => `${now - t < DAY ? clock(t) : stamp(t)} ${zoneName(t)}`;

const COLUMNS = ["Named", "On the list", "Watched", "Ever blocked", "Blocked then", "Restored", "Gone"];

/** @param {HTMLElement} root @param {Moment} state */
export function renderOrders(root, state) {
  const rows = state.compliance.map((c) => {
    const { order } = c;
    const overdue = order.deadline === null ? "no deadline" : `${order.deadline < state.now ? "deadline passed" : "deadline"} ${stamp(order.deadline)} ${zoneName(order.deadline)}`;
    const stale = c.stale ? `${count(c.stale)} of these not read recently` : "";
    const ever = `${percent(c.ever, c.onList)} of the list${c.before ? `, ${count(c.before)} before it` : ""}`;
    const unread = c.read && c.read < c.onList ? `${count(c.onList - c.read)} never read` : "";
    const blocks = c.read
      ? [[count(c.ever), ever], [count(c.now), stale], [count(c.restored), ""], [count(c.gone), ""]]
      : [["–", "not read yet"], ["–", ""], ["–", ""], ["–", ""]];
    const figures = [[count(c.named), ""], [count(c.onList), c.posts ? `and ${counted(c.posts, c.posts)}` : ""], [count(c.watched), unread], ...blocks];
    const cells = figures.map(([n, small], i) => `<td class="n" data-label="${COLUMNS[i]}">${n}${small ? `<small>${small}</small>` : ""}</td>`).join("");
    return `<tr><th scope="row"><a class="handle" href="/orders/${order.id}">${escaped(order.title)}</a><small>${overdue}</small></th>${cells}</tr>`;
  });
  const table = rows.length
    ? `<div class="table-scroll"><table class="labelled"><thead><tr><th scope="col">Order</th>${COLUMNS.map((c) => `<th scope="col" class="n">${c}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`
    : '<p class="nothing">No order was known at this moment.</p>';
  write(root, `<div class="card-head"><h2>Orders so far</h2><span class="faint">as known at this moment, with the compliance so far</span></div>${table}`);
}
