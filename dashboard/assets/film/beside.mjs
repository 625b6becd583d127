// What stands beside and below the board: the mails sent by then, and how far each order had been followed.

import { escape } from "../live/html.mjs";
import { clock, count, percent, stamp, zoneName } from "../live/time.mjs";

const MAILS = 12;

function write(root, html) {
  if (root.__said === html) return;
  root.innerHTML = root.__said = html;
}

export function renderMails(root, number, state) {
  const sent = [...state.mails.values()].filter((m) => m.state === "sent").sort((a, b) => b.t - a.t);
  const words = sent.length ? count(sent.length) : "none";
  if (number.textContent !== words) number.textContent = words;
  const rows = sent.slice(0, MAILS).map(
    (m) => `<li><a href="/mail/${m.id}">${escape(m.subject)}</a><span>${when(m.t, state.now)} to ${count(m.n)}</span></li>`,
  );
  if (sent.length > MAILS) rows.push(`<li class="faint">and ${count(sent.length - MAILS)} earlier</li>`);
  write(root, rows.join(""));
}

const when = (t, now) => `${now - t < 86_400_000 ? clock(t) : stamp(t)} ${zoneName(t)}`;

const COLUMNS = ["Named", "On the list", "Watched", "Ever blocked", "Blocked then", "Restored", "Gone"];

export function renderOrders(root, state) {
  const rows = state.compliance.map((c) => {
    const { order } = c;
    const overdue = order.deadline === null ? "no deadline" : `${order.deadline < state.now ? "deadline passed" : "deadline"} ${stamp(order.deadline)} ${zoneName(order.deadline)}`;
    const stale = c.stale ? `${count(c.stale)} of them not read lately` : "";
    const figures = [
      [count(c.named), ""], [count(c.onList), ""], [count(c.watched), ""], [count(c.ever), `${percent(c.ever, c.onList)} of the list${c.before ? `, ${count(c.before)} before it` : ""}`],
      [count(c.now), stale], [count(c.restored), ""], [count(c.gone), ""],
    ];
    const cells = figures.map(([n, small], i) => `<td class="n" data-label="${COLUMNS[i]}">${n}${small ? `<small>${small}</small>` : ""}</td>`).join("");
    return `<tr><th scope="row"><a class="handle" href="/orders/${order.id}">${escape(order.title)}</a><small>${overdue}</small></th>${cells}</tr>`;
  });
  const table = rows.length
    ? `<div class="table-scroll"><table class="labelled"><thead><tr><th scope="col">Order</th>${COLUMNS.map((c) => `<th scope="col" class="n">${c}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`
    : '<p class="nothing">No order was on record by then.</p>';
  write(root, `<div class="card-head"><h2>Orders by then</h2><span class="faint">as far as they were known and followed at this moment</span></div>${table}`);
}
