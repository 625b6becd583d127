// How many accounts were in which status when. Fast enough to be asked for each frame while ten thousand are zoomed.

import { knownUntil } from "./state.mjs";

const LETTERS = "APWSGDNU";
const CODE = Object.fromEntries([...LETTERS].map((s, i) => [s, i]));
const cut = new WeakMap();
const lists = new WeakMap();

/**
 * The known times of all accounts as flat columns, those of one account in a row: from `start[i]` to `start[i + 1]`.
 * What is known until now has no end, and silences are left out. Made anew when something was read or has changed.
 */
function known(state) {
  const before = cut.get(state);
  if (before && before.facts === state.facts && state.now <= before.holds) return before;
  const { accounts } = state;
  const most = accounts.reduce((sum, a) => sum + a.spells.length * (a.gaps.length + 1), 0);
  const out = {
    facts: state.facts, holds: Infinity, at: new Map(), n: 0,
    start: new Int32Array(accounts.length + 1), first: new Float64Array(accounts.length).fill(Infinity),
    s: new Uint8Array(most), from: new Float64Array(most), to: new Float64Array(most),
  };
  accounts.forEach((account, i) => {
    out.at.set(account, i);
    out.start[i] = out.n;
    if (account.spells.length) cutOne(state, account, i, out);
  });
  out.start[accounts.length] = out.n;
  cut.set(state, out);
  return out;
}

function cutOne(state, account, i, out) {
  const { spells, gaps } = account;
  const until = knownUntil(state, account);
  const fresh = until === state.now;
  if (fresh) out.holds = Math.min(out.holds, account.last + state.gapAfter);
  out.first[i] = spells[0].from;
  for (let k = 0; k < spells.length; k++) {
    const end = Math.min(k + 1 < spells.length ? spells[k + 1].from : spells[k].to ?? Infinity, fresh ? Infinity : until);
    let from = spells[k].from;
    for (const [a, b] of gaps) {
      if (b <= from || a >= end) continue;
      put(out, spells[k].s, from, a);
      from = b;
    }
    put(out, spells[k].s, from, end);
  }
}

function put(out, s, from, to) {
  if (to < from) return;
  out.s[out.n] = CODE[s];
  out.from[out.n] = from;
  out.to[out.n] = to;
  out.n += 1;
}

/** The accounts on a list. */
export function members(state, list) {
  if (!lists.has(state)) lists.set(state, new Map());
  const of = lists.get(state);
  if (!of.has(list)) of.set(list, state.accounts.filter((a) => a.lists.includes(list)));
  return of.get(list);
}

/**
 * How many of `accounts` were in each status at n + 1 equidistant times of [from, to]: {A: Int32Array, ..., U, n}.
 * Times after now stay zero.
 */
export function tally(state, accounts, from, to, n) {
  const all = known(state);
  const step = (to - from) / n;
  const counts = Array.from(LETTERS, () => new Int32Array(n + 2));
  const total = new Int32Array(n + 2);
  const unread = counts[CODE.U];
  const end = state.now + 1;
  const index = (t) => (t <= from ? 0 : Math.min(n + 1, Math.ceil((t - from) / step)));
  const last = index(end);
  for (const account of accounts) {
    const i = all.at.get(account);
    const begin = index(all.first[i]);
    if (begin >= last) continue;
    total[begin] += 1;
    unread[begin] += 1;
    total[last] -= 1;
    unread[last] -= 1;
    for (let k = all.start[i]; k < all.start[i + 1]; k++) {
      const a = index(all.from[k]);
      const b = Math.min(last, index(all.to[k]));
      if (b <= a) continue;
      const of = counts[all.s[k]];
      of[a] += 1;
      of[b] -= 1;
      unread[a] -= 1;
      unread[b] += 1;
    }
  }
  for (const column of [...counts, total]) for (let i = 1; i < column.length; i++) column[i] += column[i - 1];
  return { ...Object.fromEntries([...LETTERS].map((s, i) => [s, counts[i]])), n: total };
}

/** How many of `accounts` were in each status at `t`, exactly: {A, P, W, S, G, D, N, U, n}. */
export function countAt(state, accounts, t) {
  const all = known(state);
  const counts = new Int32Array(LETTERS.length);
  let n = 0;
  for (const account of accounts) {
    const i = all.at.get(account);
    if (all.first[i] > t) continue;
    n += 1;
    let k = all.start[i + 1] - 1;
    while (k >= all.start[i] && all.from[k] > t) k--;
    counts[k >= all.start[i] && t <= all.to[k] ? all.s[k] : CODE.U] += 1;
  }
  return { ...Object.fromEntries([...LETTERS].map((s, i) => [s, counts[i]])), n };
}

/** The same now. */
export const countNow = (state, accounts) => countAt(state, accounts, state.now);
