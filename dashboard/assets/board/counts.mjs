// How many accounts were in which status when; a group of quiet accounts counts as often as it has accounts. Fast enough to be asked for each frame while ten thousand are zoomed.

import { CODE, knownUntil, LETTERS } from "./state.mjs";

const UNREAD = CODE.U;
/** How many numbers `means` gives for each part of a window. */
const WIDE = LETTERS.length;
/** @type {WeakMap<State, Cut>} */
const cut = new WeakMap();
/** Who is on a list, among how many. @type {WeakMap<State, { among: number, members: Map<number, Account[]> }>} */
const lists = new WeakMap();

/**
 * The known times of all accounts as flat columns, those of one account in a row: from `start[i]` to `start[i + 1]`,
 * its first millisecond to the one after its last. What is known until now has no end, and silences are left out.
 * Made anew when something has changed, or was not read in time.
 * @param {State} state
 */
function known(state) {
  if (state.known) return state.known; // a moment of the replay film, which holds its accounts as columns already
  const before = cut.get(state);
  if (before && before.facts === state.facts && state.now <= before.holds) return before;
  const { accounts } = state;
  const most = accounts.reduce((sum, a) => sum + a.spells.length * (a.gaps.length + 1), 0);
  const out = {
    facts: state.facts, holds: Infinity, n: 0,
    start: new Int32Array(accounts.length + 1), first: new Float64Array(accounts.length).fill(Infinity),
    s: new Uint8Array(most), from: new Float64Array(most), to: new Float64Array(most),
  };
  accounts.forEach((account, i) => {
    out.start[i] = out.n;
    if (account.spells.length) cutOne(state, account, i, out);
  });
  out.start[accounts.length] = out.n;
  cut.set(state, out);
  return out;
}

/** @param {State} state @param {Account} account @param {number} i @param {Cut} out */
function cutOne(state, account, i, out) {
  const { spells, gaps } = account;
  const until = knownUntil(state, account);
  const fresh = until === state.now;
  if (fresh) out.holds = Math.min(out.holds, Number(account.last) + state.gapAfter);
  out.first[i] = spells[0].from;
  for (let k = 0; k < spells.length; k++) {
    const end = Math.min(k + 1 < spells.length ? spells[k + 1].from : spells[k].to ?? Infinity, fresh ? Infinity : until + 1);
    let from = spells[k].from;
    for (const [a, b] of gaps) {
      if (b <= from || a >= end) continue;
      put(out, spells[k].s, from, a + 1);
      from = b;
    }
    put(out, spells[k].s, from, end);
  }
}

/** @param {Known} out @param {Letter} s @param {number} from @param {number} to */
function put(out, s, from, to) {
  if (to <= from) return;
  out.s[out.n] = CODE[s];
  out.from[out.n] = from;
  out.to[out.n] = to;
  out.n += 1;
}

/** The accounts on a list. @param {State} state @param {number} list */
export function members(state, list) {
  if (state.members) return state.members(list);
  let of = lists.get(state);
  if (of?.among !== state.accounts.length) lists.set(state, (of = { among: state.accounts.length, members: new Map() }));
  const known = of.members.get(list) ?? state.accounts.filter((a) => a.lists.includes(list));
  of.members.set(list, known);
  return known;
}

/**
 * How many of `accounts` were in each status at n + 1 equidistant times of [from, to]: {A: Int32Array, ..., U, n}.
 * Times after now stay zero.
 * @param {State} state @param {Account[]} accounts @param {number} from @param {number} to @param {number} n
 */
export function tally(state, accounts, from, to, n) {
  const { start, first, s, from: begins, to: ends } = known(state);
  const step = (to - from) / n;
  const counts = Array.from(LETTERS, () => new Int32Array(n + 2));
  const total = new Int32Array(n + 2);
  /** @param {number} t */
  const index = (t) => (t <= from ? 0 : t > to + step ? n + 1 : Math.min(n + 1, Math.ceil((t - from) / step)));
  const last = index(state.now + 1);
  for (let j = 0; j < accounts.length; j++) {
    const { i, n: weight } = accounts[j];
    const begin = index(first[i]);
    if (begin >= last) continue;
    total[begin] += weight;
    total[last] -= weight;
    for (let k = start[i]; k < start[i + 1]; k++) {
      if (ends[k] <= from || begins[k] > to) continue;
      const a = index(begins[k]);
      const b = Math.min(last, index(ends[k]));
      if (b <= a) continue;
      counts[s[k]][a] += weight;
      counts[s[k]][b] -= weight;
    }
  }
  for (const column of [...counts, total]) for (let i = 1; i < column.length; i++) column[i] += column[i - 1];
  // Who was read before and is not now is not checked.
  for (let i = 0; i < total.length; i++) counts[UNREAD][i] = counts.reduce((rest, column) => rest - column[i], total[i]);
  return /** @type {Tally} */ ({ ...Object.fromEntries(LETTERS.map((letter, k) => [letter, counts[k]])), n: total });
}

/**
 * Room for the means of n parts. Give it to each call in turn: a picture has dozens of bands, and allocating takes longer
 * than summing.
 * @param {number} n @returns {MeansRoom}
 */
export const roomForMeans = (n) => ({ n, means: new Float64Array((n + 1) * WIDE), whole: new Int32Array((n + 1) * WIDE) });

/**
 * How many of `accounts` were in each status on average of each of the equal parts of [from, to] that the room is for:
 * part after part, of each the statuses as in `LETTERS`. However short a status lasted, it has its part. The part that
 * contains now counts what is known of it; later ones stay zero. The next call with this room overwrites the numbers.
 * @param {State} state @param {Account[]} accounts @param {number} from @param {number} to @param {MeansRoom} room
 */
export function means(state, accounts, from, to, { n, means: out, whole }) {
  const { start, s, from: begins, to: ends } = known(state);
  const step = (to - from) / n;
  const end = Math.max(0, Math.min(n, Math.ceil((state.now - from) / step)));
  out.fill(0);
  whole.fill(0);
  for (const { i, n: weight } of accounts) {
    for (let k = start[i]; k < start[i + 1]; k++) {
      const a = Math.max(0, (begins[k] - from) / step);
      const b = Math.min(end, (ends[k] - from) / step);
      if (b <= a) continue;
      const first = Math.floor(a);
      const last = Math.floor(b);
      if (first === last) {
        out[first * WIDE + s[k]] += weight * (b - a);
        continue;
      }
      out[first * WIDE + s[k]] += weight * (first + 1 - a);
      out[last * WIDE + s[k]] += weight * (b - last);
      whole[(first + 1) * WIDE + s[k]] += weight;
      whole[last * WIDE + s[k]] -= weight;
    }
  }
  for (let j = 0; j < end * WIDE; j++) {
    if (j >= WIDE) whole[j] += whole[j - WIDE];
    out[j] += whole[j];
  }
  return out;
}

/**
 * How many of `accounts` were in each status at `t`, exactly: {A, P, W, S, G, D, N, U, n}.
 * @param {State} state @param {Account[]} accounts @param {number} t
 */
export function countAt(state, accounts, t) {
  const all = known(state);
  const counts = new Int32Array(LETTERS.length);
  let n = 0;
  for (let j = 0; j < accounts.length; j++) {
    const { i, n: weight } = accounts[j];
    if (all.first[i] > t) continue;
    n += weight;
    let k = all.start[i + 1] - 1;
    while (k >= all.start[i] && all.from[k] > t) k--;
    counts[k >= all.start[i] && t < all.to[k] ? all.s[k] : UNREAD] += weight;
  }
  return /** @type {Counts} */ ({ ...Object.fromEntries(LETTERS.map((s, i) => [s, counts[i]])), n });
}
