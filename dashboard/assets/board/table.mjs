// "View as table": the lanes' facts as words, for screen readers, for copying, and for the exact times.

import { $, escaped, targetOf } from "../shell/dom.mjs";
import { between, count, day, full } from "../shell/time.mjs";
import { counted, postsIn, sizeOf } from "./posts.mjs";
import { capital, isBlocked, STATUS, stateNow, uncapital } from "./state.mjs";

const MOST = 500;

/**
 * When an account was last read. The replay film holds of whom was read in time only that: its moment is no reading.
 * @param {State} state @param {Account} account
 */
export function lastWords(state, account) {
  if (account.last === null) return "never";
  return "knownAt" in state && account.last === state.now ? "in time" : full(account.last);
}

/**
 * `facts` are the numbers of the pictures above the lanes, with the links that a pointer finds there; `note` is HTML.
 * @param {State} state @param {Account[]} list @param {Span} window @param {Fact[]} facts @param {string} [note]
 */
export function openTable(state, list, window, facts, note = "") {
  const dialog = /** @type {HTMLDialogElement} */ ($("table-view"));
  const single = list.filter((a) => !a.isQuiet);
  const shown = single.slice(0, MOST);
  const posts = postsIn(list);
  const rows = shown.map((account) => {
    const now = stateNow(state, account);
    const spell = account.spells.at(-1);
    const since = spell && spell.onset !== null ? between(spell.onset, spell.from) : spell ? `first read ${full(spell.from)}` : "";
    const open = account.pending && account.pending.kind !== "baseline" ? `${capital(account.pending.w)}? ${between(account.pending.old, account.pending.seen)}` : "";
    const blocks = account.spells.filter((s) => isBlocked(s.s)).length;
    return `<tr><th scope="row"><a href="/account/${account.id}">@${escaped(account.handle)}</a></th><td>${escaped(now ? capital(now.w) : STATUS.U)}</td><td>${since}</td><td>${escaped(open)}</td><td class="n">${blocks}</td><td>${lastWords(state, account)}</td></tr>`;
  });
  const above = facts.map(({ what, said }) => `<tr><th scope="row">${escaped(what)}</th><td>${said}</td></tr>`).join("");
  const more = single.length > MOST ? `<p class="nothing">The first ${count(MOST)} of ${count(single.length)}; filter the lanes to see others.</p>` : "";
  const quiet = note && `<p class="nothing">${note}</p>`;
  dialog.innerHTML = `<div class="card-head"><h2>Accounts</h2><span class="faint">${posts ? counted(sizeOf(list), posts) : count(sizeOf(list))}, ${day(window[0])} to ${day(state.now)}</span><span class="grow"></span><form method="dialog"><button class="icon-button" aria-label="Close"><svg class="i" aria-hidden="true"><use href="#i-close"/></svg></button></form></div><div class="table-scroll"><table class="facts-above"><thead><tr><th>Picture</th><th>At the end of the window</th></tr></thead><tbody>${above}</tbody></table><table><thead><tr><th>Account</th><th>Status ${"knownAt" in state ? "then" : "now"}</th><th>Since</th><th>Provisional</th><th class="n">Blocks</th><th>Last reading</th></tr></thead><tbody>${rows.join("")}</tbody></table>${more}${quiet}</div>`;
  dialog.onclick = (event) => {
    if (event.target === dialog || targetOf(event).closest("a")) dialog.close();
  };
  dialog.showModal();
}

/** A number that leads to its accounts; the number alone where it leads nowhere. @param {string | number} words @param {string | null} href */
export const linked = (words, href) => (href === null ? escaped(words) : `<a class="under" href="${escaped(href)}">${escaped(words)}</a>`);

/** The bands of the fleet at their end. @param {End[]} ends @param {(end: End) => string | null} address @returns {Fact} */
export const factOfEnds = (ends, address) => ({ what: "All watched", said: ends.map((end) => linked(`${count(end.value)} ${uncapital(end.name)}`, address(end))).join(", ") || "none was read" });

/** Orders, notices and claims of the window. @param {Mark[]} marks @param {Span} window @returns {Fact[]} */
export const factsOfMarks = (marks, [from, to]) => marks.filter((m) => m.t >= from && m.t <= to).map((m) => ({ what: full(m.t), said: linked(m.label, m.href) }));
