// All lanes at once: bands of neighbouring accounts, each a little stack of the shares of its accounts' statuses.

import { count } from "../shell/time.mjs";
import { ratio, theme } from "./marks.mjs";
import { sizeOf } from "./posts.mjs";
import { groups, ORDER, pixels, roomForShares, stacked } from "./shares.mjs";

/** Height of a band: in a lower one, its colours could not be distinguished. */
const BAND = 8;

/** @param {number} height */
const bands = (height) => Math.max(1, Math.floor(height / BAND));

/** @type {{ list: Account[] | null, most: number, all: Account[][], sizes: number[] }} */
let grouped = { list: null, most: 0, all: [], sizes: [] };

/** The accounts of each band, and how many they are. @param {Account[]} list @param {number} height */
function groupsOf(list, height) {
  const most = bands(height);
  if (grouped.list !== list || grouped.most !== most) {
    const all = groups(list, most);
    grouped = { list, most, all, sizes: all.map(sizeOf) };
  }
  return grouped;
}

/** The accounts under a pixel. @param {Account[]} list @param {number} height @param {number} y */
export function groupAt(list, height, y) {
  const { all } = groupsOf(list, height);
  return all[Math.floor((y / height) * all.length)] ?? [];
}

/** What is drawn where all lanes fit, in words. @param {Account[]} list @param {boolean} inBands @param {number} height */
export function fitWords(list, inBands, height) {
  if (!inBands) return `All ${count(sizeOf(list))} lanes.`;
  const { sizes } = groupsOf(list, height);
  const all = count(sizes.reduce((sum, n) => sum + n, 0));
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const each = least === most ? count(most) : `${count(least)} or ${count(most)}`;
  return `All ${all} lanes, ${each} per band. In each band the height of a status is its share of the accounts. The share that was not checked stays empty.`;
}

/** [red, green, blue] of a colour of the tokens, which are all written as #rrggbb. @param {string} colour */
const rgb = (colour) => [1, 3, 5].map((i) => Number.parseInt(colour.slice(i, i + 2), 16));

let paper = null;

/**
 * Paint the shares of the whole list between the top and the bottom of the lanes.
 * @param {Ctx} g @param {State} state @param {Account[]} list @param {Span} window @param {number} width @param {number} height
 */
export function drawShares(g, state, list, window, width, height) {
  const d = ratio();
  const { all } = groupsOf(list, height);
  const [w, h] = [Math.round((width * d) / 2), Math.round(height * d)];
  if (w < 1 || !list.length) return;
  paper ??= document.createElement("canvas");
  paper.width = w;
  paper.height = h;
  const c = paper.getContext("2d");
  const image = c.createImageData(w, h);
  const colours = ORDER.map((s) => rgb(s === "A" ? theme["A-wash"] : theme[s]));
  const empty = rgb(theme.card);
  const room = roomForShares(w);
  all.forEach((group, i) => {
    const top = Math.round((i * h) / all.length);
    // One pixel between bands, so that one's stack is not taken for the other's.
    const rows = Math.max(1, Math.round(((i + 1) * h) / all.length) - top - Math.round(d));
    const tops = stacked(state, group, window[0], window[1], room);
    for (let x = 0; x < w; x++) {
      if (tops[x * ORDER.length + ORDER.length - 1] === 0) continue;
      pixels(tops, x * ORDER.length, rows, colours, empty, (row, red, green, blue) => {
        const at = ((top + row) * w + x) * 4;
        image.data[at] = red;
        image.data[at + 1] = green;
        image.data[at + 2] = blue;
        image.data[at + 3] = 255;
      });
    }
  });
  c.putImageData(image, 0, 0);
  g.imageSmoothingEnabled = false;
  g.drawImage(paper, 0, 0, width, height);
}
