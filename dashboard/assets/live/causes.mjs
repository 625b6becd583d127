// What people and documents say about why accounts were blocked, for the tooltip of a lane. Asked for when somebody
// points at a block, once a minute at most.

import { stateAt } from "../board/state.mjs";
import { json } from "../shell/answers.mjs";

const EVERY_MS = 60_000;
/** @type {SurestCauses | null} */
let newest = null;
let askedAt = -EVERY_MS;

function ask() {
  if (performance.now() - askedAt < EVERY_MS) return;
  askedAt = performance.now();
  json(fetch("/api/causes/surest")).then((answer) => (newest = answer), () => {}); // the tooltip goes without it
}

/** The line of the tooltip; null where there is none to show. @param {State} state @param {Account} account @param {number} t */
export function causeLine(state, account, t) {
  const then = stateAt(state, account, t);
  if (!then || !"WS".includes(then.s)) return null;
  ask();
  return newest && surestCause(newest, account, t);
}

/**
 * What is said of the block that an account was in: of the change that began it, or of the account.
 * @param {SurestCauses} said @param {Account} account @param {number} t
 */
export function surestCause(said, account, t) {
  const since = account.spells.findLast((spell) => spell.from <= t)?.from;
  const change = account.changes.find((one) => one.seen === since && one.outcome === "confirmed");
  const places = [change ? said.changes[change.id] : undefined, said.accounts[account.id]].flatMap((place) => place ?? []);
  return said.words[Math.min(...places)] ?? said.none;
}
