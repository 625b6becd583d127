// What the Live page told at each of some moments, and what the replay film tells of them as it was known then.
//
//     node live-and-film.mjs FOLDER
//
// The folder holds `film`, the film as the server sends it when all is over, and for each moment, named by its
// milliseconds, what the Live page was sent then. Prints one object a line: {t, live, film}, in the same words;
// `orders`, how far each was followed as it was known then; and `was`, the status of each account as it was.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { countAt } from "../../dashboard/assets/board/counts.mjs";
import { laneWord } from "../../dashboard/assets/board/lanes.mjs";
import { decode, outages } from "../../dashboard/assets/board/state.mjs";
import { goTo, openFilm, stateOf } from "../../dashboard/assets/film/film.mjs";
import { unpack } from "../../dashboard/assets/shell/columnar.mjs";

const folder = process.argv[2];
const read = (name) => {
  const bytes = readFileSync(join(folder, name));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
};

/** Everything that a page shows of a state. Of whom was read in time the film does not hold when exactly; and when a
 * provisional change is to be read again is not on record. */
const told = (state) => ({
  now: state.now,
  counts: countAt(state, state.accounts, state.now),
  kpis: { ...state.kpis, next_read: null },
  outages: outages(state),
  lists: state.lists.map(({ name, size }) => [name, size]).sort(),
  orders: state.orders.map(({ id, title }) => [id, title]),
  mails: [...state.mails.keys()].sort((a, b) => a - b),
  accounts: [...state.accounts]
    .sort((a, b) => a.id - b.id)
    .map((a) => ({
      id: a.id, handle: a.handle, lists: [...a.lists].sort(), word: laneWord(state, a), spells: a.spells, changes: a.changes,
      pending: a.pending, gaps: a.gaps,
      last: state.now - a.last <= state.gapAfter ? "in time" : a.last,
    })),
});

const film = stateOf(openFilm(read("film")));
for (const name of readdirSync(folder).filter((n) => n !== "film").sort((a, b) => a - b)) {
  const t = Number(name);
  const live = told(decode(unpack(read(name)).snapshot));
  const then = told(goTo(film, t, t));
  const orders = film.compliance.map((c) => [c.order.title, c.named, c.onList, c.watched, c.ever, c.before, c.now, c.stale, c.restored, c.gone]);
  const was = Object.fromEntries(goTo(film, t).accounts.map((a) => [a.id, a.spells.at(-1)?.s ?? null]));
  console.log(JSON.stringify({ t, live, film: then, orders, was }));
}
