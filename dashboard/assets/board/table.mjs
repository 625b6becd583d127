// "View as table": the lanes' facts as words, for screen readers, for copying, and for the exact times.

import { $, escaped, targetOf } from "../shell/dom.mjs";
import { between, count, day, full } from "../shell/time.mjs";
import { capital, isBlocked, STATUS, stateNow } from "./state.mjs";

const MOST = 500;

/**
 * When an account was last read. The replay film holds of whom was read in time only that: its moment is no reading.
 * @param {State} state @param {Account} account
 */
export function lastWords(state, account) {
  if (account.last === null) return "never";
  return "knownAt" in state && account.last === state.now ? "in time" : full(account.last);
}

/** @param {State} state @param {Account[]} list @param {Span} window */
export function openTable(state, list, window) {
  const dialog = /** @type {HTMLDialogElement} */ ($("table-view"));
  const shown = list.slice(0, MOST);
  const rows = shown.map((account) => {
    const now = stateNow(state, account);
    const spell = account.spells.at(-1);
    const since = spell && spell.onset !== null ? between(spell.onset, spell.from) : spell ? `first read ${full(spell.from)}` : "";
    const open = account.pending && account.pending.kind !== "baseline" ? `${capital(account.pending.w)}? ${between(account.pending.old, account.pending.seen)}` : "";
    const blocks = account.spells.filter((s) => isBlocked(s.s)).length;
    return `<tr><th scope="row"><a href="/account/${account.id}">@${escaped(account.handle)}</a></th><td>${escaped(now ? capital(now.w) : STATUS.U)}</td><td>${since}</td><td>${escaped(open)}</td><td class="n">${blocks}</td><td>${lastWords(state, account)}</td></tr>`;
  });
  const more = list.length > MOST ? `<p class="nothing">The first ${count(MOST)} of ${count(list.length)}; filter the lanes to see others.</p>` : "";
  dialog.innerHTML = `<div class="card-head"><h2>Accounts</h2><span class="faint">${count(list.length)}, ${day(window[0])} to ${day(state.now)}</span><span class="grow"></span><form method="dialog"><button class="icon-button" aria-label="Close"><svg class="i" aria-hidden="true"><use href="#i-close"/></svg></button></form></div><div class="table-scroll"><table><thead><tr><th>Account</th><th>Status ${"knownAt" in state ? "then" : "now"}</th><th>Since</th><th>Provisional</th><th class="n">Blocks</th><th>Last reading</th></tr></thead><tbody>${rows.join("")}</tbody></table>${more}</div>`;
  dialog.onclick = (event) => {
    if (event.target === dialog || targetOf(event).closest("a")) dialog.close();
  };
  dialog.showModal();
}
