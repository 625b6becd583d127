// How far an order had been followed at a moment: the funnel of storage/model/orders/cohort.py.

import { during, LETTERS } from "./columns.mjs";

const EVERYWHERE = "XX";

/** What a confirmed state is, seen from the country of the order. */
function kindOf(film, v, country) {
  const s = LETTERS[film.spells.s[v]];
  if (s !== "W") return { A: "back", P: "back", S: "block" }[s] ?? "gone";
  const countries = film.countries[film.spells.c[v]];
  return countries.includes(country) || countries.includes(EVERYWHERE) ? "block" : "back";
}

/**
 * Counts accounts of the order's list, each once: `named` by the order, `onList`, `watched` of them, `ever` seen blocked
 * since the order, `before` it already, blocked `now`, of those `stale` (not read lately), `restored` and `gone`.
 */
export function complianceOf(state, order) {
  const { film, by } = state;
  const members = (film.members.get(order.list) ?? []).filter((m) => during(m.times, by)).map((m) => m.account);
  const begin = order.from ?? order.at;
  const out = { order, named: order.named, onList: members.length, watched: 0, ever: 0, before: 0, now: 0, stale: 0, restored: 0, gone: 0 };
  for (const i of members) {
    if (state.here[i]) out.watched += 1;
    const first = firstBlock(state, i, order.country, begin);
    if (first === null) continue;
    out.ever += 1;
    if (first <= begin) out.before += 1;
    const v = state.current[i];
    const kind = v < 0 ? null : kindOf(film, v, order.country);
    if (kind === "block") {
      out.now += 1;
      if (!isRead(state, i)) out.stale += 1;
    }
    if (kind === "back") out.restored += 1;
    if (kind === "gone") out.gone += 1;
  }
  return out;
}

const isRead = (state, i) => state.now - state.lastOf(i) <= state.gapAfter;

/** When the first block was seen of those that were seen since `begin`; null for none. */
function firstBlock(state, i, country, begin) {
  const { film, now, by } = state;
  const { start, from, onset, known, until } = film.spells;
  let since = null;
  for (let v = start[i]; v < start[i + 1] && from[v] <= now; v++) {
    if (known[v] > by || until[v] <= by) continue;
    if (kindOf(film, v, country) === "block") {
      since ??= from[v];
    } else if (since !== null) {
      const last = Number.isNaN(onset[v]) ? from[v] : onset[v];
      if (Math.max(since, last) >= begin) return since;
      since = null;
    }
  }
  if (since === null) return null;
  return Math.max(since, sureUntil(state, i) ?? since) >= begin ? since : null;
}

/** The newest reading that agrees with what is confirmed. */
function sureUntil(state, i) {
  const { last, pending } = state.all[i];
  return last === null || !pending || pending.old === null ? last : Math.min(last, pending.old);
}
