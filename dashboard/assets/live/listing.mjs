// Which accounts have a lane, and in which order.

import { byHandle } from "../board/posts.mjs";
import { isBlocked, stateNow } from "../board/state.mjs";

/** @type {{ key: string, state: State | null, list: Account[] }} */
let listed = { key: "", state: null, list: [] };

const alphabet = new Intl.Collator();
/** @type {Record<string, (a: Account, b: Account) => number>} */
const SORTS = {
  latest: (a, b) => b.latest - a.latest || a.id - b.id,
  most: (a, b) => b.changes.length - a.changes.length || b.latest - a.latest || a.id - b.id,
  handle: (a, b) => Number(a.isQuiet) - Number(b.isQuiet) || byHandle(alphabet.compare)(a, b),
};

/** @param {LiveState} state @param {Account[]} list */
function blockedFirst(state, list) {
  const blocked = new Set(list.filter((a) => isBlocked(stateNow(state, a)?.s)));
  return (/** @type {Account} */ a, /** @type {Account} */ b) => Number(blocked.has(b)) - Number(blocked.has(a)) || SORTS.latest(a, b);
}

/** Whether a list, a kind or a filter is chosen. @param {Pick<View, "list" | "kind" | "filter">} view */
export const isFiltered = (view) => view.list !== "all" || view.kind !== "" || view.filter !== "";

/** @type {{ list: Account[] | null, ids: Set<number> }} */
let among = { list: null, ids: new Set() };

/** The ids of the accounts that list and filter leave; null where they leave all. @param {LiveState} state @param {View} view */
export function shownIds(state, view) {
  if (!isFiltered(view)) return null;
  const list = listOf(state, view);
  if (among.list !== list) among = { list, ids: new Set(list.map((a) => a.id)) };
  return among.ids;
}

/** The accounts that list and kind leave. @param {LiveState} state @param {Pick<View, "list" | "kind">} view */
export function ofKind(state, view) {
  let list = state.accounts;
  if (view.list === "changed") list = list.filter((a) => a.latest > 0);
  else if (view.list !== "all") list = list.filter((a) => a.lists.includes(Number(view.list)));
  return view.kind ? list.filter((a) => a.post === (view.kind === "posts")) : list;
}

/** The accounts that list and filter leave, in the chosen order, groups of quiet accounts among them. @param {LiveState} state @param {View} view */
export function listOf(state, view) {
  const key = [view.list, view.kind, view.sort, view.filter, state.id, state.accounts.length].join("|");
  if (listed.key === key && listed.state === state) return listed.list;
  let list = ofKind(state, view);
  if (view.filter) list = list.filter((a) => a.handle.toLowerCase().includes(view.filter));
  list = [...list].sort(view.sort === "blocked" ? blockedFirst(state, list) : SORTS[view.sort]);
  listed = { key, state, list };
  return list;
}
