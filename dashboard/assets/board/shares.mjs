// Many accounts in little room: what share of them was in which status when. Nothing is drawn over anything else, and
// the worst does not stand for the rest. Pure.

import { means, roomForMeans } from "./counts.mjs";
import { sizeOf } from "./posts.mjs";
import { CODE, LETTERS, letters } from "./state.mjs";

/** From the bottom of a band to its top. Not checked ("U") is no ink: it stays empty. */
export const ORDER = letters("WSNGDPA");
const CODES = ORDER.map((s) => CODE[s]);

/**
 * The accounts in as many groups of neighbours as there is room for: sizes differ by one at most. Quiet accounts that
 * are alike may be in several, each with a part of them.
 * @param {Account[]} list @param {number} most
 */
export function groups(list, most) {
  const size = sizeOf(list);
  const n = Math.max(1, Math.min(most, size));
  const out = Array.from({ length: n }, () => /** @type {Account[]} */ ([]));
  let [i, before] = [0, 0];
  for (const one of list) {
    for (let rest = one.n; rest > 0; ) {
      while (before >= Math.round(((i + 1) * size) / n)) i += 1;
      const part = Math.min(rest, Math.round(((i + 1) * size) / n) - before);
      out[i].push(part === one.n ? one : { ...one, n: part });
      before += part;
      rest -= part;
    }
  }
  return out;
}

/** Room for the shares of a group in n parts. Give it to the call for each group in turn. @param {number} n @returns {SharesRoom} */
export const roomForShares = (n) => ({ means: roomForMeans(n), tops: new Float32Array(n * ORDER.length) });

/**
 * The shares of one group in the equal parts of a window that the room is for: for each the tops of the statuses in `ORDER`,
 * from 0 to 1, one upon the other. Of a group of which half was not checked, half stays empty.
 * The next call with this room overwrites the shares.
 * @param {State} state @param {Account[]} group @param {number} from @param {number} to @param {SharesRoom} room
 */
export function stacked(state, group, from, to, room) {
  const counts = means(state, group, from, to, room.means);
  const { tops } = room;
  const size = sizeOf(group);
  for (let i = 0; i < room.means.n; i++) {
    let sum = 0;
    for (let k = 0; k < CODES.length; k++) {
      sum += counts[i * LETTERS.length + CODES[k]];
      tops[i * CODES.length + k] = sum / size;
    }
  }
  return tops;
}

/**
 * One column of a band as `rows` pixels from its top to its bottom: each is the mean of the colours that it covers,
 * by how much of it they cover. `colours` are [red, green, blue] in `ORDER`, `empty` the one behind them.
 * @param {Float32Array} tops @param {number} at @param {number} rows @param {Rgb[]} colours @param {Rgb} empty @param {(row: number, red: number, green: number, blue: number) => void} put
 */
export function pixels(tops, at, rows, colours, empty, put) {
  let k = 0;
  for (let row = rows - 1; row >= 0; row--) {
    const high = (rows - row) / rows;
    let [red, green, blue] = [0, 0, 0];
    let below = (rows - 1 - row) / rows;
    while (k < colours.length && below < high) {
      const top = Math.min(high, tops[at + k]);
      if (top > below) {
        const part = (top - below) * rows;
        red += colours[k][0] * part;
        green += colours[k][1] * part;
        blue += colours[k][2] * part;
        below = top;
      }
      if (tops[at + k] <= high) k += 1; // else it goes on in the pixel above
    }
    const rest = Math.max(0, (high - below) * rows);
    put(row, red + empty[0] * rest, green + empty[1] * rest, blue + empty[2] * rest);
  }
}
