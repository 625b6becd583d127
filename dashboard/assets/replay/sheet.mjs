// One moment as a picture: for a file, and for each picture of a film that is saved.

import { annotations, drawAnnotations, LABELS_PX } from "../board/annotations.mjs";
import { drawAxis, drawFleet, FLEET_HEIGHT } from "../board/context.mjs";
import { drawExecutive } from "../board/executives.mjs";
import { figures } from "../board/kpis.mjs";
import { drawLane, LANE, laneWord } from "../board/lanes.mjs";
import { drawKey, legendOf } from "../board/legend.mjs";
import { contextOf, paperOf, scale, text, theme } from "../board/marks.mjs";
import { capital } from "../board/state.mjs";
import { download, pictureOf } from "../shell/dom.mjs";
import { count } from "../shell/time.mjs";
import { windowOf } from "./draw.mjs";
import { differenceBox, differsFrom } from "./lanes.mjs";
import { placesShown } from "./order.mjs";
import { differing, listName, other, range, shown, stage } from "./stage.mjs";
import { paintStrip, STRIP_PX } from "./strip.mjs";
import { differenceWords, knewWords, lateWord, utcWords } from "./words.mjs";

const PAD = 20;
const LEFT = 200;
const RIGHT = 150;
const FIGURES = { blocked: "Blocked then", new: "▼ New, 24 h", restored: "▲ Restored, 24 h", provisional: "Provisional", unread: "Not checked" };

/** Draws from the top to the bottom of a canvas of `width` by `height`. */
class Sheet {
  /** @param {HTMLCanvasElement} canvas @param {number} width @param {number} height @param {number} sharpness */
  constructor(canvas, width, height, sharpness) {
    canvas.width = width * sharpness;
    canvas.height = height * sharpness;
    this.g = contextOf(canvas);
    this.g.scale(sharpness, sharpness);
    this.g.fillStyle = theme.card;
    this.g.fillRect(0, 0, width, height);
    this.g.textBaseline = "middle";
    // A drawing of the page begins by making its canvas empty: here it has a place on this one.
    this.g.setTransform = this.g.clearRect = () => {};
    this.width = width;
    this.height = height;
    this.y = PAD;
  }

  /** @param {number} x @param {number} y @param {string} words @param {number} [size] @param {number} [weight] @param {string} [ink] */
  words(x, y, words, size = 12, weight = 400, ink = theme.ink2) {
    text(this.g, size, weight);
    this.g.fillStyle = ink;
    this.g.fillText(words, x, y);
    return this.g.measureText(words).width;
  }

  /**
   * What `drawing` makes of a canvas, at a place.
   * @template T
   * @param {number} x @param {number} y @param {number} width @param {number} height @param {(paper: HTMLCanvasElement) => T} drawing
   */
  put(x, y, width, height, drawing) {
    const { g } = this;
    g.save();
    g.translate(x, y);
    g.beginPath();
    g.rect(0, 0, width, height);
    g.clip();
    const result = drawing(paperOf(g));
    g.restore();
    return result;
  }
}

/**
 * Draw the moment of the stage. What has no room below is left out, and said to be.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height @param {number} [sharpness]
 */
export function drawSheet(canvas, width, height, sharpness = 1) {
  const sheet = new Sheet(canvas, width, height, sharpness);
  const state = shown();
  const differ = differing();
  head(sheet, state, differ);
  const wide = width - 2 * PAD;
  sheet.put(PAD, sheet.y, wide, STRIP_PX, () => paintStrip(sheet.g, stage.t, wide));
  sheet.y += STRIP_PX + 10;
  board(sheet, state, new Map(differ.map((d) => [d.account.i, d])));
  legend(sheet, state);
}

/** @param {Sheet} sheet @param {Moment} state @param {Difference[]} differ */
function head(sheet, state, differ) {
  const tag = document.querySelector("#film .tag")?.textContent;
  const w = sheet.words(PAD, sheet.y + 14, utcWords(state.now), 26, 650, theme.ink);
  sheet.words(PAD + w + 16, sheet.y + 8, ["Blockline replay", listName(), tag].filter(Boolean).join(" · "), 12);
  sheet.words(PAD + w + 16, sheet.y + 24, `${stage.knew === null ? "As it was" : "As we knew it then"}, ${knewWords(stage.knew)}`, 12, 600, theme.ink);
  sheet.y += 44;
  const here = figures(state);
  const elsewhere = figures(other());
  const names = /** @type {[keyof Figures, string][]} */ (Object.entries(FIGURES));
  const hasPosts = names.some(([name]) => here[name][3]);
  names.forEach(([name, label], i) => {
    const x = PAD + (i * (sheet.width - 2 * PAD)) / names.length;
    sheet.words(x, sheet.y + 8, label, 12);
    const wide = sheet.words(x, sheet.y + 30, here[name][0], 24, 600, theme.ink);
    if (hasPosts) sheet.words(x, sheet.y + 50, here[name][3], 11);
    const otherwise = elsewhere[name][0];
    if (otherwise !== here[name][0]) sheet.words(x + wide + 8, sheet.y + 32, `${stage.knew === null ? "as known then" : "as it was"}: ${otherwise}`, 11, 600, theme.diff);
  });
  sheet.y += hasPosts ? 66 : 52;
  const words = differenceWords(differ);
  if (!words) return;
  sheet.words(PAD, sheet.y + 6, `${words.head} ${words.reasons}`, 12, 600, theme.diff);
  sheet.y += 20;
}

/** @param {Sheet} sheet @param {Moment} state @param {Map<number, Difference>} differs */
function board(sheet, state, differs) {
  const width = sheet.width - 2 * PAD - LEFT - RIGHT;
  const window = windowOf(range());
  const marks = annotations(state);
  const [x, right] = [PAD + LEFT, PAD + LEFT + width + 8];
  sheet.put(x, sheet.y, width, LABELS_PX, (paper) => drawAnnotations(paper, marks, window, width));
  sheet.y += LABELS_PX;
  const ends = sheet.put(x, sheet.y, width, FLEET_HEIGHT, (paper) => drawFleet(paper, state, window, width, FLEET_HEIGHT));
  sheet.words(PAD, sheet.y + 10, "Accounts by status", 12, 600, theme.ink);
  ends.forEach((end, i) => sheet.words(right, sheet.y + 10 + 15 * i, `${count(end.value)} ${end.name}`, 11));
  sheet.y += FLEET_HEIGHT;
  sheet.put(x, sheet.y, width, 20, (paper) => drawAxis(paper, window, width));
  sheet.y += 24;
  for (const executive of state.executives) {
    sheet.words(PAD, sheet.y + 8, executive.name, 12, 600, theme.ink);
    sheet.words(PAD, sheet.y + 24, "not evidence of cause", 11);
    sheet.put(x, sheet.y, width, 48, (paper) => drawExecutive(paper, state, executive, window, width, 48));
    sheet.y += 52;
  }
  lanes(sheet, state, differs, window, x, width, right);
}

/** @param {Sheet} sheet @param {Moment} state @param {Map<number, Difference>} differs @param {Span} window @param {number} x @param {number} width @param {number} right */
function lanes(sheet, state, differs, window, x, width, right) {
  const places = placesShown(differs);
  const room = Math.max(0, Math.floor((sheet.height - sheet.y - 56) / LANE));
  const X = scale(window, width);
  for (const i of places.slice(0, room)) {
    const account = state.all[i];
    const difference = differs.get(i);
    const known = difference && stage.knew !== null;
    sheet.words(PAD, sheet.y + 8, `@${[...account.handle].slice(0, 28).join("")}`, 11, 400, theme.ink);
    sheet.put(x, sheet.y, width, LANE, () => {
      drawLane(sheet.g, state, account, window, X, 2, LANE - 4);
      if (known) differenceBox(sheet.g, Math.max(0, X(differsFrom(difference))), X(stage.t), 2, LANE - 4);
    });
    const word = known ? lateWord(difference, stage.t) : laneWord(state, account).text;
    sheet.words(right, sheet.y + 8, word.slice(0, 26), 11, known ? 600 : 400, known ? theme.diff : theme.ink2);
    sheet.y += LANE;
  }
  if (places.length > room) sheet.words(PAD, sheet.height - 44, `${count(room)} of ${count(places.length)} lanes.`, 11);
}

/** @param {Sheet} sheet @param {Moment} state */
function legend(sheet, state) {
  let x = PAD;
  for (const [key, word] of legendOf(state)) {
    sheet.put(x, sheet.height - 26, 18, 12, (paper) => drawKey(paper, key));
    x += 24 + sheet.words(x + 24, sheet.height - 20, key === "gap" ? "Not checked (blank)" : capital(word), 11) + 18;
  }
}

/** The name of a file about the moment. @param {string} kind */
export const fileName = (kind) => `replay-${new Date(stage.t).toISOString().slice(0, 16).replace(":", "")}Z${stage.knew === null ? "" : "-as-known"}.${kind}`;

export async function savePicture() {
  const canvas = document.createElement("canvas");
  drawSheet(canvas, 1280, 1000, 2);
  download(await pictureOf(canvas, "image/png"), fileName("png"));
}
