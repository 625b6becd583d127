// The film of one list alone: everything in it, its counts and its events, is of the accounts of that list. Pure.

/** The rows of a table by whether `keep(place)` says so. */
function rowsOf(table, keep) {
  const names = Object.keys(table);
  const places = Array.from({ length: table[names[0]]?.length ?? 0 }, (_, j) => j).filter(keep);
  return Object.fromEntries(names.map((name) => [name, places.map((j) => table[name][j])]));
}

/**
 * A snapshot with the accounts of one list, each on file from when it was put on the list, and with the orders of that list. Mails,
 * papers and executives stay: they are beside every list.
 */
export function only(snapshot, list) {
  const { accounts, spells, changes, steps, members } = snapshot;
  const added = new Map();
  for (let j = 0; j < members.list.length; j++) if (members.list[j] === list) added.set(members.account[j], members.added[j]);
  const kept = rowsOf(accounts, (j) => added.has(accounts.id[j]));
  kept.added = kept.added.map((at, j) => Math.max(at, added.get(kept.id[j])));
  const news = rowsOf(changes, (j) => added.has(changes.account[j]));
  const told = new Set(news.id);
  return {
    ...snapshot,
    accounts: kept,
    spells: rowsOf(spells, (j) => added.has(spells.account[j])),
    changes: news,
    steps: rowsOf(steps, (j) => told.has(steps.change[j])),
    members: rowsOf(members, (j) => members.list[j] === list),
    lists: snapshot.lists.filter((l) => l.id === list),
    orders: snapshot.orders.filter((o) => o.list === list),
  };
}
