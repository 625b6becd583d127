// The strip: how much happened when in the range, and where the film stands. It is dragged, and it is the slider for the keyboard.

import { perBin } from "../board/bins.mjs";
import { flowBars, prepare, ratio, scale, snap, text, theme } from "../board/marks.mjs";
import { density } from "../film/film.mjs";
import { count, ticks } from "../shell/time.mjs";
import { range, stage } from "./stage.mjs";
import { utcWords } from "./words.mjs";

export const STRIP_PX = 74;
const BARS_PX = 54;
/** What is after the moment is shown as it is on any time line, and paler. */
const AHEAD = 0.38;

/**
 * The strip twice, without the moment: as it is before it, and paler as it is after it. Made when something of it changes.
 * @type {{ key: string, film: Film | null, bright: HTMLCanvasElement | null, pale: HTMLCanvasElement | null }}
 */
let papers = { key: "", film: null, bright: null, pale: null };

/** After the theme or the zone has changed. */
export const forgetStrip = () => (papers.key = "");

/** @param {Span} span @param {number} width @param {boolean} isPale */
function paper(span, width, isPale) {
  const canvas = document.createElement("canvas");
  paint(prepare(canvas, width, STRIP_PX), span, width, isPale);
  return canvas;
}

/** @param {Ctx} g @param {Span} span @param {number} width @param {boolean} isPale */
function paint(g, span, width, isPale) {
  const X = scale(span, width);
  const flows = density(stage.film, span);
  const middle = snap(BARS_PX / 2);
  g.fillStyle = theme.sunk;
  g.fillRect(0, 0, width, BARS_PX);
  g.fillStyle = theme.line2;
  g.fillRect(0, middle, width, 1);
  g.globalAlpha = isPale ? AHEAD : 1;
  flowBars(g, flows, X, middle, BARS_PX / 2 - 3, 2);
  g.globalAlpha = 1;
  g.fillStyle = isPale ? theme.ink3 : theme.ink;
  label(g, "▲", flows.restored, flows.bins, 9, X, width);
  label(g, "▼", flows.blocked, flows.bins, BARS_PX - 8, X, width);
  axis(g, span, X, width);
}

/** Where the moment stands on a strip, not cut off at its ends. @param {number} t @param {number} width */
const placeOf = (t, width) => snap(Math.max(1, Math.min(width - 2, scale(range(), width)(t))));

/** The strip on a canvas of any sharpness. @param {Ctx} g @param {number} t @param {number} width */
export function paintStrip(g, t, width) {
  const x = placeOf(t, width);
  for (const isPale of [false, true]) {
    g.save();
    g.beginPath();
    g.rect(isPale ? x : 0, 0, isPale ? width - x : x, STRIP_PX);
    g.clip();
    paint(g, range(), width, isPale);
    g.restore();
  }
  head(g, x, BARS_PX);
}

/**
 * Bars upwards are restorations, downwards blocks. `asked`: a range that is being chosen, or null.
 * @param {HTMLCanvasElement} canvas @param {number} t @param {number} width @param {Span | null} [asked]
 */
export function drawStrip(canvas, t, width, asked = null) {
  const g = prepare(canvas, width, STRIP_PX);
  const span = range();
  const X = scale(span, width);
  const key = [width, ratio(), ...span].join();
  if (papers.key !== key || papers.film !== stage.film) {
    papers = { key, film: stage.film, bright: paper(span, width, false), pale: paper(span, width, true) };
  }
  const x = placeOf(t, width);
  const d = ratio();
  /** @param {HTMLCanvasElement | null} paper @param {number} from @param {number} to */
  const part = (paper, from, to) => paper && to > from && g.drawImage(paper, from * d, 0, (to - from) * d, STRIP_PX * d, from, 0, to - from, STRIP_PX);
  part(papers.bright, 0, x);
  part(papers.pale, x, width);
  if (asked) {
    g.fillStyle = theme.ink;
    g.globalAlpha = 0.16;
    g.fillRect(X(asked[0]), 0, X(asked[1]) - X(asked[0]), BARS_PX);
    g.globalAlpha = 1;
  }
  head(g, x, BARS_PX);
}

/**
 * The number of the highest bar beside it, with the time that a bar stands for.
 * @param {Ctx} g @param {string} mark @param {Int32Array} counts @param {Bins} bins @param {number} y @param {Scale} X @param {number} width
 */
function label(g, mark, counts, bins, y, X, width) {
  let i = 0;
  for (let k = 1; k < counts.length; k++) if (counts[k] > counts[i]) i = k;
  if (!counts[i]) return;
  const words = `${mark} ${count(counts[i])} ${perBin(bins.step)}`;
  text(g, 11);
  const w = g.measureText(words).width;
  const from = X(bins.start + i * bins.step);
  const to = X(bins.start + (i + 1) * bins.step);
  g.fillText(words, to + 6 + w < width ? to + 4 : Math.max(0, from - 4 - w), y);
}

/** @param {Ctx} g @param {Span} span @param {Scale} X @param {number} width */
function axis(g, span, X, width) {
  for (const tick of ticks(span, width)) {
    const at = X(tick.t);
    g.fillStyle = theme.line2;
    g.fillRect(snap(at), BARS_PX, 1, 4);
    text(g, 11, tick.major ? 600 : 400);
    if (at + 4 + g.measureText(tick.label).width > width) continue;
    g.fillStyle = tick.major ? theme.ink : theme.ink2;
    g.fillText(tick.label, at + 4, BARS_PX + 11);
  }
}

/** @param {Ctx} g @param {number} x @param {number} height */
function head(g, x, height) {
  g.fillStyle = theme.ink;
  g.fillRect(x - 1, 0, 2, height);
  g.beginPath();
  g.arc(x, height, 5, 0, 7);
  g.fill();
  g.fillStyle = theme.card;
  g.beginPath();
  g.arc(x, height, 2, 0, 7);
  g.fill();
}

/** Say where the film stands to who does not see it. @param {HTMLCanvasElement} canvas @param {number} t */
export function describeStrip(canvas, t) {
  const [from, to] = range();
  canvas.setAttribute("aria-valuenow", String(Math.round((100 * (t - from)) / Math.max(1, to - from))));
  canvas.setAttribute("aria-valuetext", utcWords(t));
}

/**
 * `on` = {scrub(t), settle(), asking([from, to]), choose([from, to])}. With Shift a range is chosen.
 * @param {HTMLCanvasElement} canvas @param {ReplayOn} on
 */
export function connectStrip(canvas, on) {
  /** @type {{ asks: boolean, from: number } | null} */
  let held = null;
  /** @param {PointerEvent} event */
  const timeAt = (event) => {
    const box = canvas.getBoundingClientRect();
    const [from, to] = range();
    return from + (Math.max(0, Math.min(box.width, event.clientX - box.left)) / box.width) * (to - from);
  };
  /** @param {number} a @param {number} b @returns {Span} */
  const spanOf = (a, b) => [Math.min(a, b), Math.max(a, b)];
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button || !stage.film) return;
    canvas.setPointerCapture(event.pointerId);
    held = { asks: event.shiftKey, from: timeAt(event) };
    if (!held.asks) on.scrub(held.from);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return;
    if (held.asks) on.asking(spanOf(held.from, timeAt(event)));
    else on.scrub(timeAt(event));
  });
  /** @param {PointerEvent} event */
  const end = (event) => {
    if (!held) return;
    const { asks, from } = held;
    held = null;
    if (asks) on.choose(spanOf(from, timeAt(event)));
    else on.settle();
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
}
