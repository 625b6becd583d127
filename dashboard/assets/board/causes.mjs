// What people and documents say about why accounts were blocked, for the tooltip of a lane. Asked for when somebody
// points at a block, once a minute at most.

import { json } from "../shell/answers.mjs";
import { isBlocked, stateAt } from "./state.mjs";

const EVERY_MS = 60_000;
/** @type {LaneCauses | null} */
let newest = null;
let askedAt = -EVERY_MS;

function ask() {
  if (performance.now() - askedAt < EVERY_MS) return;
  askedAt = performance.now();
  json(fetch("/api/causes/lanes")).then((answer) => (newest = answer), () => {}); // the tooltip goes without it
}

/** The line of the tooltip; null where there is none to show. @param {State} state @param {Account} account @param {number} t */
export function causeLine(state, account, t) {
  if (!isBlocked(stateAt(state, account, t)?.s)) return null;
  ask();
  return newest && surestCause(newest, account, t, state.knownAt ?? null);
}

/**
 * What is said of the block that an account was in: of the change that began it, or of the account. As was known at
 * `knownAt`; null: as is known now.
 * @param {LaneCauses} said @param {Account} account @param {number} t @param {number | null} knownAt
 */
export function surestCause(said, account, t, knownAt) {
  const since = account.spells.findLast((spell) => spell.from <= t)?.from;
  const change = account.changes.find((one) => one.seen === since && one.outcome === "confirmed");
  const places = [...(change ? said.changes[change.id] ?? [] : []), ...(said.accounts[account.id] ?? [])];
  const stood = places.filter((place) => stands(said.causes[place], knownAt));
  return stood.length ? said.words[said.causes[Math.min(...stood)][0]] : said.none;
}

/** @param {LaneCauses["causes"][number]} cause @param {number | null} knownAt */
function stands([, known, until], knownAt) {
  return knownAt === null ? until === null : known <= knownAt && knownAt < (until ?? Infinity);
}
