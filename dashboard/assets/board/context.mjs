// The context rows above the lanes, all on one time axis: the fleet's area and the share blocked per cohort.

import { escaped, patch } from "../shell/dom.mjs";
import { count, duration, percent, stamp, ticks, zoneName } from "../shell/time.mjs";
import { countAt, tally } from "./counts.mjs";
import { pattern, prepare, scale, snap, text, theme } from "./marks.mjs";
import { bandName, outages } from "./state.mjs";

export const FLEET_HEIGHT = 112;

/** The widths of a board's three columns: names, drawings, words. @param {HTMLElement} board */
export function columnsOf(board) {
  const css = getComputedStyle(board);
  const [left, right] = ["--left", "--right"].map((name) => Number.parseFloat(css.getPropertyValue(name)));
  return { left, right, width: board.clientWidth - left - right };
}

/**
 * The vertical lines through all rows, and the crosshair with its time beside the axis. `unloaded`: what was before
 * that time is not here yet, which is said over it; null when all is here.
 * @param {HTMLCanvasElement} canvas @param {Mark[]} marks @param {Span} window @param {number} width @param {number} height @param {number | null} cursor @param {number} labelTop @param {number | null} [unloaded]
 */
export function drawOverlay(canvas, marks, window, width, height, cursor, labelTop, unloaded = null) {
  const g = prepare(canvas, width, height);
  const X = scale(window, width);
  if (unloaded !== null) {
    const edge = Math.min(width, X(unloaded));
    g.fillStyle = theme.sunk;
    g.fillRect(0, 0, edge, height);
    text(g, 11);
    g.fillStyle = theme.ink2;
    if (edge > 60) g.fillText("Loading what was read before", 8, 16);
  }
  g.strokeStyle = theme.ink2;
  for (const m of marks) {
    if (m.t < window[0] || m.t > window[1]) continue;
    g.globalAlpha = m.minor ? 0.35 : 0.6;
    g.setLineDash(m.range ? [2, 3] : m.minor ? [5, 3] : []);
    g.beginPath();
    g.moveTo(snap(X(m.t)) + 0.5, 0);
    g.lineTo(snap(X(m.t)) + 0.5, height);
    g.stroke();
  }
  g.setLineDash([]);
  g.globalAlpha = 1;
  if (cursor === null) return;
  const x = snap(X(cursor));
  g.globalAlpha = 0.55;
  g.strokeStyle = theme.ink;
  g.beginPath();
  g.moveTo(x + 0.5, 0);
  g.lineTo(x + 0.5, height);
  g.stroke();
  g.globalAlpha = 1;
  text(g, 11, 600);
  const words = `${stamp(cursor)} ${zoneName(cursor)}`;
  const w = g.measureText(words).width + 12;
  const left = Math.max(0, Math.min(width - w, x - w / 2));
  g.fillStyle = theme.ink;
  g.fillRect(left, labelTop, w, 18);
  g.fillStyle = theme.card;
  g.fillText(words, left + 6, labelTop + 9.5);
}

/** @param {HTMLCanvasElement} canvas @param {Span} window @param {number} width @param {number} [height] */
export function drawAxis(canvas, window, width, height = 20) {
  const g = prepare(canvas, width, height);
  const X = scale(window, width);
  for (const tick of ticks(window, width)) {
    const x = X(tick.t);
    g.fillStyle = theme.line2;
    g.fillRect(snap(x), height - 5, 1, 5);
    text(g, 11, tick.major ? 600 : 400);
    const w = g.measureText(tick.label).width;
    if (x + 4 + w > width) continue;
    g.fillStyle = tick.major ? theme.ink : theme.ink2;
    g.fillText(tick.label, x + 4, height / 2 + 1);
  }
}

/** @param {HTMLCanvasElement} canvas @param {string} words */
export const describe = (canvas, words) => canvas.getAttribute("aria-label") !== words && canvas.setAttribute("aria-label", words);

/** @type {Letter[][]} */
const STACK = [["W"], ["S"], ["N", "G", "D"], ["P"], ["A"], ["U"]];

/** How far the state of now is drawn beyond now: as far as the current spell of a lane. */
const NOW_PX = 8;
/** Into how many steps a fleet was cut last, and how many accounts its height stands for. @type {WeakMap<HTMLCanvasElement, { n: number, max: number }>} */
const fleets = new WeakMap();

/**
 * Accounts by status over time, stacked; what was not read is hatched. Answers the values at the window's end.
 * @param {HTMLCanvasElement} canvas @param {State} state @param {Span} window @param {number} width @param {number} height
 */
export function drawFleet(canvas, state, window, width, height) {
  const g = prepare(canvas, width, height);
  const X = scale(window, width);
  const n = Math.max(20, Math.min(400, Math.floor(width / 2)));
  const t = tally(state, state.accounts, window[0], window[1], n);
  const end = Math.min(state.now, window[1]);
  const lastSample = Math.min(n, Math.floor(((end - window[0]) / (window[1] - window[0])) * n));
  const max = Math.max(10, ...t.n.slice(0, n + 1));
  fleets.set(canvas, { n, max });
  /** @param {number} v */
  const Y = (v) => height - 1 - (v / max) * (height - 6);
  g.fillStyle = theme.grid;
  for (const tick of ticks(window, width)) g.fillRect(snap(X(tick.t)), 0, 1, height);
  // The last sample is taken at the end, so that a change is there at once and not at the next step of the grid.
  const counts = countAt(state, state.accounts, end);
  const xs = Float64Array.from({ length: lastSample + 2 }, (_, i) => (i > lastSample ? X(end) : (i * width) / n));
  const base = new Float64Array(xs.length);
  for (const keys of STACK) {
    const s = keys[0];
    const top = base.map((b, i) => b + keys.reduce((sum, k) => sum + (i > lastSample ? counts[k] : t[k][i]), 0));
    if (!top.some((v, i) => v > base[i])) continue;
    outline(g, base, top, xs, Y);
    g.globalAlpha = s === "U" ? 0.7 : 1;
    g.fillStyle = s === "A" ? theme["A-wash"] : pattern(g, s);
    g.fill();
    g.globalAlpha = 1;
    if (s !== "U") {
      g.strokeStyle = theme[`${s}-e`];
      g.lineWidth = 1;
      edge(g, base, top, xs, Y);
    }
    base.set(top);
  }
  gapLabels(g, state, width, X);
  g.fillStyle = theme.line2;
  g.fillRect(0, height - 1, width, 1);
  let below = 0;
  return STACK.map((keys) => {
    const value = keys.reduce((sum, k) => sum + counts[k], 0);
    const y = Y(below + value / 2);
    below += value;
    return { s: keys[0], letters: keys.join(""), name: bandName(state, keys, counts), value, y };
  }).filter((x) => x.value > 0);
}

/**
 * The band of the fleet under a pixel, with its accounts at the step that is drawn there; null beside all bands.
 * @param {HTMLCanvasElement} canvas @param {State} state @param {Span} window @param {{ x: number, y: number, width: number }} place @returns {Counted | null}
 */
export function bandAt(canvas, state, [from, to], { x, y, width }) {
  const drawn = fleets.get(canvas);
  if (!drawn || x < 0 || x > width) return null;
  const t = Math.floor(from + (Math.floor((x / width) * drawn.n) * (to - from)) / drawn.n);
  if (t > state.now) return null;
  const counts = countAt(state, state.accounts, t);
  let rest = ((FLEET_HEIGHT - 1 - y) / (FLEET_HEIGHT - 6)) * drawn.max;
  for (const keys of STACK) {
    const value = keys.reduce((sum, k) => sum + counts[k], 0);
    if (rest < value) return { letters: keys.join(""), name: bandName(state, keys, counts), value, t };
    rest -= value;
  }
  return null;
}

/**
 * The cell of a strip under a pixel: how many of its accounts were blocked then, and how many were checked.
 * @param {State} state @param {Account[]} accounts @param {Span} window @param {number} x @param {number} width
 */
export function cellAt(state, accounts, [from, to], x, width) {
  if (x < 0 || x > width) return null;
  const n = cellsOf(width);
  const t = Math.floor(from + (Math.floor((x / width) * n) * (to - from)) / n);
  if (t > state.now) return null;
  const counts = countAt(state, accounts, t);
  return { t, blocked: counts.W + counts.S, read: counts.n - counts.U };
}

/** @param {number} width */
const cellsOf = (width) => Math.max(20, Math.floor(width / 4));

/**
 * Name and number of each band at its end, as far as they have room; whether that is other than before. `address` is
 * where the accounts of a band are shown; null for nowhere.
 * @param {HTMLElement} root @param {End[]} ends @param {(end: End) => string | null} address
 */
export function writeEnds(root, ends, address) {
  let limit = FLEET_HEIGHT - 6;
  const labels = [];
  for (const end of ends) {
    const y = Math.min(end.y, limit);
    if (y < 4) continue;
    limit = y - 14;
    const href = address(end);
    const lead = href ? `a tabindex="-1" href="${escaped(href)}"` : "span"; // “View as table” has the same links for the keyboard
    labels.push(`<${lead} class="end" title="${count(end.value)} ${end.name}" style="top:${Math.round(y - 7)}px"><b>${count(end.value)}</b><span>${end.name}</span></${href ? "a" : "span"}>`);
  }
  return patch(root, labels.join(""));
}

/**
 * A step at each sample: what is known at its time held since the one before at the latest.
 * @param {Ctx} g @param {Float64Array} base @param {Float64Array} top @param {Float64Array} xs @param {Scale} Y
 */
function outline(g, base, top, xs, Y) {
  const last = xs.length - 1;
  g.beginPath();
  g.moveTo(0, Y(top[0]));
  for (let i = 1; i <= last; i++) {
    g.lineTo(xs[i], Y(top[i - 1]));
    g.lineTo(xs[i], Y(top[i]));
  }
  const end = xs[last] + NOW_PX;
  g.lineTo(end, Y(top[last]));
  g.lineTo(end, Y(base[last]));
  for (let i = last; i > 0; i--) {
    g.lineTo(xs[i], Y(base[i]));
    g.lineTo(xs[i], Y(base[i - 1]));
  }
  g.lineTo(0, Y(base[0]));
  g.closePath();
}

/** @param {Ctx} g @param {Float64Array} base @param {Float64Array} top @param {Float64Array} xs @param {Scale} Y */
function edge(g, base, top, xs, Y) {
  g.beginPath();
  let drawing = false;
  for (let i = 0; i < xs.length; i++) {
    const visible = top[i] > base[i];
    if (visible && drawing) g.lineTo(xs[i], Y(top[i - 1]));
    if (visible) g[drawing ? "lineTo" : "moveTo"](xs[i], Y(top[i]));
    if (!visible && drawing) g.lineTo(xs[i], Y(top[i - 1]));
    drawing = visible;
  }
  if (drawing) g.lineTo(xs[xs.length - 1] + NOW_PX, Y(top[top.length - 1]));
  g.stroke();
}

/**
 * "not checked, 8 h 30 min" beside each outage that is wide enough to be seen.
 * @param {Ctx} g @param {State} state @param {number} width @param {Scale} X
 */
function gapLabels(g, state, width, X) {
  const wide = outages(state)
    .map(([a, b]) => ({ lasted: (b ?? state.now) - a, x0: X(a), x1: X(b ?? state.now) }))
    .filter(({ x0, x1 }) => x1 >= 0 && x0 <= width && x1 - x0 >= 3);
  if (!wide.length) return; // to choose a font takes long, and most frames have no outage
  text(g, 11);
  let free = 0;
  for (const { lasted, x0, x1 } of wide) {
    const words = `not checked, ${duration(lasted)}`;
    const w = g.measureText(words).width + 8;
    const left = x1 + w + 6 < width ? x1 + 4 : x0 - w - 4;
    if (left < free) continue;
    free = left + w + 4;
    g.fillStyle = theme.card;
    g.fillRect(left, 8, w, 16);
    g.fillStyle = theme.ink2;
    g.fillText(words, left + 4, 16.5);
  }
}

/**
 * One cohort: the share blocked of those read, per bin, one hue. Answers {blocked, read} at the window's end.
 * @param {HTMLCanvasElement} canvas @param {State} state @param {Account[]} accounts @param {Span} window @param {number} width @param {number} height
 */
export function drawStrip(canvas, state, accounts, window, width, height) {
  const g = prepare(canvas, width, height);
  const n = cellsOf(width);
  const t = tally(state, accounts, window[0], window[1], n);
  const span = window[1] - window[0];
  for (let i = 0; i < n; i++) {
    const at = window[0] + (span * i) / n;
    if (at > state.now) break;
    const read = t.n[i] - t.U[i];
    if (!t.n[i] || read < t.n[i] * 0.3) continue;
    const share = (t.W[i] + t.S[i]) / read;
    const x = snap((i * width) / n);
    const w = snap(Math.min(((i + 1) * width) / n, ((state.now - window[0]) / span) * width)) - x;
    g.fillStyle = theme.sunk;
    g.fillRect(x, 3, w, height - 6);
    if (share > 0) {
      g.globalAlpha = 0.14 + 0.86 * share ** 0.8;
      g.fillStyle = theme.W;
      g.fillRect(x, 3, w, height - 6);
      g.globalAlpha = 1;
    }
  }
  const counts = countAt(state, accounts, Math.min(state.now, window[1]));
  const end = { blocked: counts.W + counts.S, read: counts.n - counts.U };
  describe(canvas, `${percent(end.blocked, end.read)} blocked, ${count(end.blocked)} of ${count(end.read)} read`);
  return end;
}
