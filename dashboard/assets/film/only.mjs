// The film of one list alone: everything in it, its counts and its events, is of the accounts of that list. Pure.

import { rowsOf } from "./places.mjs";

/**
 * A snapshot with the accounts of one list, each watched only while it was on the list, and with the orders of that list. Mails,
 * papers and executives stay: they are beside every list.
 * @param {FilmSnapshot} snapshot @param {number} list
 */
export function only(snapshot, list) {
  const { accounts, watched, spells, changes, steps, members } = snapshot;
  const on = rowsOf(members, (j) => members.list[j] === list);
  const theirs = new Set(on.account);
  const news = rowsOf(changes, (j) => theirs.has(changes.account[j]));
  const changeIds = new Set(news.id);
  return {
    ...snapshot,
    accounts: rowsOf(accounts, (j) => theirs.has(accounts.id[j])),
    watched: whileOn(on, watched),
    spells: rowsOf(spells, (j) => theirs.has(spells.account[j])),
    changes: news,
    steps: rowsOf(steps, (j) => changeIds.has(steps.change[j])),
    members: on,
    lists: snapshot.lists.filter((l) => l.id === list),
    orders: snapshot.orders.filter((o) => o.list === list),
  };
}

/**
 * The times in which accounts were watched and on the list.
 * @param {FilmSnapshot["members"]} on @param {FilmSnapshot["watched"]} watched
 */
function whileOn(on, watched) {
  /** @type {Table<Period>} */
  const out = { account: [], from: [], to: [] };
  const places = new Map();
  on.account.forEach((account, j) => places.set(account, [...(places.get(account) ?? []), j]));
  for (let w = 0; w < watched.account.length; w++) {
    for (const j of places.get(watched.account[w]) ?? []) {
      const [from, to] = [Math.max(on.from[j], watched.from[w]), Math.min(on.to[j] ?? Infinity, watched.to[w] ?? Infinity)];
      if (from >= to) continue;
      out.account.push(on.account[j]);
      out.from.push(from);
      out.to.push(to);
    }
  }
  return out;
}
