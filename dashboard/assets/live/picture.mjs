// The board as a file: SVG, drawn by the code that draws it on screen; PNG, the same SVG painted.

import { drawAnnotations, LABELS_PX } from "../board/annotations.mjs";
import { drawAxis, drawFleet, drawOverlay, drawStrip, FLEET_HEIGHT } from "../board/context.mjs";
import { countAt, members } from "../board/counts.mjs";
import { drawExecutive } from "../board/executives.mjs";
import { drawLane, LANE, laneWord } from "../board/lanes.mjs";
import { drawKey, legendOf } from "../board/legend.mjs";
import { contextOf, paperOf, prepare, scale, text, theme } from "../board/marks.mjs";
import { drawShares } from "../board/overview.mjs";
import { counted, postsIn, sizeOf } from "../board/posts.mjs";
import { groupName, isOffered, letters } from "../board/state.mjs";
import { download, pictureOf } from "../shell/dom.mjs";
import { count, full, percent } from "../shell/time.mjs";
import { current, drawnLanes } from "./draw.mjs";
import { quietWords } from "./quiet.mjs";
import { SvgContext } from "./svg.mjs";

const PAD = 16;
const SHARPNESS = 2;
/** Of the lanes as many as there are on screen, and at least so many. */
const LEAST_LANES = 30;

/** Writes text and drawings of the sheet from its top to its bottom. */
class Sheet {
  /** @param {{ left: number, width: number, right: number }} of */
  constructor({ left, width, right }) {
    const ruler = contextOf(document.createElement("canvas"));
    this.g = new SvgContext((font, words) => {
      ruler.font = font;
      return ruler.measureText(words).width;
    });
    this.g.textBaseline = "middle";
    /** What passes for the canvas of a drawing. */
    this.paper = paperOf(/** @type {Ctx} */ (/** @type {unknown} */ (this.g)));
    this.left = left;
    this.width = width;
    this.right = right;
    this.y = PAD;
  }

  /** @param {number} x @param {number} y @param {string} words @param {{ size?: number, weight?: number, ink?: string }} [of] */
  words(x, y, words, { size = 11, weight = 400, ink = theme.ink2 } = {}) {
    text(this.g, size, weight);
    this.g.fillStyle = ink;
    this.g.fillText(words, x, y);
  }

  /**
   * A row with a name at its left and words at its right; `draw` gets what passes for its canvas.
   * @param {number} height @param {[name: string, weight?: number][]} names @param {[words: string, y?: number][]} words @param {(canvas: HTMLCanvasElement) => void} draw
   */
  row(height, names, words, draw) {
    names.forEach(([name, weight], i) => {
      this.g.box(PAD, this.y, this.left - PAD - 8, height);
      this.words(0, 8 + i * 14, name, { weight, ink: weight === 600 ? theme.ink : theme.ink2 });
      this.g.restore();
    });
    this.g.box(this.left, this.y, this.width, height);
    draw(this.paper);
    this.g.restore();
    words.forEach(([name, y], i) => this.words(this.left + this.width + 8, this.y + (y ?? 9 + i * 14), name));
    this.y += height;
  }

  get svg() {
    const w = Math.ceil(this.left + this.width + this.right);
    const h = Math.ceil(this.y + PAD);
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}"><rect width="${w}" height="${h}" fill="${theme.card}"/>${this.g.text}</svg>`;
  }
}

/** What is on screen as one picture: whose, of when, made when; with its legend. @param {Drawn} drawn @param {string} title */
function boardSvg(drawn, title) {
  const { state, view, window, marks, left, width, right } = drawn;
  const end = Math.min(state.now, window[1]);
  const sheet = new Sheet({ left, width, right });
  sheet.words(PAD, sheet.y + 8, title, { size: 15, weight: 650, ink: theme.ink });
  sheet.words(PAD, sheet.y + 30, `${full(window[0])} to ${full(end)}. Shows readings up to ${full(state.now)}.`, { size: 12 });
  sheet.y += 50;
  sheet.row(LABELS_PX, [], [], (canvas) => drawAnnotations(canvas, marks, window, width));
  const top = sheet.y;
  if (!view.only) context(sheet, state, window, width, end, view.list);
  else sheet.row(20, [], [], (canvas) => drawAxis(canvas, window, width));
  lanes(sheet, state, window, width, end);
  const quiet = drawnLanes().inBands && !view.filter ? null : quietWords(state, view);
  if (quiet) {
    sheet.y += 8;
    sheet.words(PAD, sheet.y + 6, quiet.words);
    sheet.y += 12;
  }
  sheet.g.box(left, top, width, sheet.y - top);
  drawOverlay(sheet.paper, marks, window, width, sheet.y - top, null, 0);
  sheet.g.restore();
  legend(sheet, state);
  return sheet.svg;
}

/** @param {Sheet} sheet @param {State} state @param {Span} window @param {number} width @param {number} end @param {string} chosen */
function context(sheet, state, window, width, end, chosen) {
  const counts = countAt(state, state.accounts, end);
  const posts = postsIn(state.accounts);
  const words = letters("AWSPGNDU").filter((s) => counts[s]).map((s) => /** @type {[string]} */ ([`${count(counts[s])} ${groupName(state, s)}`]));
  sheet.row(FLEET_HEIGHT, [["All watched", 600], [posts ? `${counted(sizeOf(state.accounts), posts)}, by status` : "accounts by status"]], words, (canvas) => drawFleet(canvas, state, window, width, FLEET_HEIGHT));
  sheet.row(20, [], [], (canvas) => drawAxis(canvas, window, width));
  sheet.row(18, [["Share blocked of accounts read", 600]], [], () => {});
  for (const list of state.lists.filter((l) => l.size > 0 && isOffered(l, chosen))) {
    const accounts = members(state, list.id);
    const at = countAt(state, accounts, end);
    const [blocked, read] = [at.W + at.S, at.n - at.U];
    const name = state.orders.find((o) => o.list === list.id)?.title ?? list.name;
    sheet.row(18, [[name]], [[read ? `${percent(blocked, read)}  ${count(blocked)} of ${count(read)}` : "none read"]], (canvas) => drawStrip(canvas, state, accounts, window, width, 18));
  }
  for (const executive of state.executives) {
    sheet.y += 6;
    sheet.row(48, [[executive.name, 600], [executive.title], ["not evidence of cause"]], [], (canvas) => drawExecutive(canvas, state, executive, window, width, 48));
  }
  sheet.y += 8;
}

/** @param {Sheet} sheet @param {State} state @param {Span} window @param {number} width @param {number} end */
function lanes(sheet, state, window, width, end) {
  const { list, root, height, fits } = drawnLanes();
  if (fits) {
    const room = Math.max(height, 200);
    sheet.row(room, [[`All ${count(sizeOf(list))} lanes`, 600], ["shares of their statuses"]], [], (canvas) => drawShares(prepare(canvas, width, room), state, list, window, width, room));
    return;
  }
  const first = Math.floor(root.scrollTop / LANE);
  const shown = list.slice(first, first + Math.max(LEAST_LANES, Math.ceil(height / LANE)));
  const X = scale(window, width);
  for (const account of shown) {
    sheet.row(LANE, [[`@${account.handle}`]], [[laneWord(state, account, end).text]], (canvas) => drawLane(prepare(canvas, width, LANE), state, account, window, X, 2, LANE - 4));
  }
  if (shown.length < list.length) {
    sheet.y += 8;
    sheet.words(PAD, sheet.y + 6, `Lanes ${count(first + 1)} to ${count(first + shown.length)} of ${count(list.length)}.`);
    sheet.y += 12;
  }
}

/** @param {Sheet} sheet @param {State} state */
function legend(sheet, state) {
  sheet.y += 14;
  let x = PAD;
  for (const [key, word] of legendOf(state)) {
    text(sheet.g, 11);
    const w = sheet.g.measureText(word).width;
    if (x + w + 40 > sheet.left + sheet.width + sheet.right) {
      x = PAD;
      sheet.y += 20;
    }
    sheet.g.box(x, sheet.y, 18, 12);
    drawKey(sheet.paper, key);
    sheet.g.restore();
    sheet.words(x + 24, sheet.y + 6, key === "gap" ? "Not checked: nothing is drawn" : word);
    x += w + 44;
  }
  sheet.y += 14;
}

/** Have the browser save the board, as "png" or "svg". @param {string} kind @param {string} title */
export async function save(kind, title) {
  if (!current) return;
  const { state, window } = current;
  const svg = new Blob([boardSvg(current, title)], { type: "image/svg+xml" });
  const blob = kind === "svg" ? svg : await painted(svg);
  /** @param {number} t */
  const day = (t) => new Date(t).toISOString().slice(0, 10);
  download(blob, `board-${day(window[0])}-${day(Math.min(window[1], state.now))}.${kind}`);
}

/** @param {Blob} svg */
async function painted(svg) {
  const image = new Image();
  image.src = URL.createObjectURL(svg);
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth * SHARPNESS;
  canvas.height = image.naturalHeight * SHARPNESS;
  contextOf(canvas).drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return pictureOf(canvas, "image/png");
}
