// The strip above the board: blocks and restorations of a longer time, and in it the window, which can be dragged.

import { binsOf, perBin } from "../board/bins.mjs";
import { flowBars, prepare, scale, snap, theme } from "../board/marks.mjs";
import { $, say } from "../shell/dom.mjs";
import { count, DAY, dayYear, duration } from "../shell/time.mjs";
import { beginning, panned } from "./window.mjs";

const HEIGHT = 34;
const GRIP_PX = 6;
const LEAST_DAYS = 30;
/** What was counted last, and for which strip. @type {Flows & { key: string, state: State | null }} */
let summed = { key: "", state: null, bins: { start: 0, step: 1, n: 0 }, blocked: new Int32Array(), restored: new Int32Array() };

/** The time that the strip shows: 30 days, more where more is loaded, not more than there is. @param {State} state @param {Span} window @returns {Span} */
export function stripOf(state, window) {
  const longest = Math.min(state.now - LEAST_DAYS * DAY, state.from, window[0]);
  const from = Math.max(longest, Math.min(beginning(state), window[0]));
  return [from, state.now + (state.now - from) * 0.01];
}

/**
 * Confirmed blocks and restorations in each bin.
 * @param {State} state @param {Bins} bins @returns {Flows}
 */
export function flows(state, bins) {
  const out = { bins, blocked: new Int32Array(bins.n), restored: new Int32Array(bins.n) };
  /** @param {Int32Array} of @param {number} t @param {number} k */
  const put = (of, t, k) => {
    const i = Math.floor((t - bins.start) / bins.step);
    if (i >= 0 && i < bins.n) of[i] += k;
  };
  const { before } = state;
  before.blocked.forEach((k, i) => k && put(out.blocked, before.from + (i + 0.5) * before.step, k));
  before.restored.forEach((k, i) => k && put(out.restored, before.from + (i + 0.5) * before.step, k));
  for (const change of state.changes.values()) {
    if (change.outcome !== "confirmed" || change.seen < state.from) continue;
    if (change.kind === "block") put(out.blocked, change.seen, 1);
    if (change.kind === "restoration") put(out.restored, change.seen, 1);
  }
  return out;
}

/** Confirmed blocks and restorations first seen in a span that is held, and how many of both are of posts. @param {State} state @param {Span} span */
export function flowsIn(state, [from, to]) {
  const out = { block: 0, restoration: 0, posts: 0 };
  for (const { account, kind, outcome, seen } of state.changes.values()) {
    if (outcome !== "confirmed" || seen < from || seen >= to || (kind !== "block" && kind !== "restoration")) continue;
    out[/** @type {"block" | "restoration"} */ (kind)] += 1;
    out.posts += Number(state.byId.get(account).post);
  }
  return out;
}

/**
 * The bar of the strip under a pixel, with what it counts and whether it lies in the window; null where nothing is drawn.
 * @param {State} state @param {Span} window @param {number} width @param {number} x
 */
export function barAt(state, window, width, x) {
  const [from, to] = stripOf(state, window);
  const { bins, blocked, restored } = summed;
  const t = from + (x / width) * (to - from);
  const i = Math.floor((t - bins.start) / bins.step);
  if (summed.state !== state || x < 0 || x > width || !(blocked[i] || restored[i])) return null;
  /** @type {Span} */
  const span = [bins.start + i * bins.step, bins.start + (i + 1) * bins.step];
  return { span, block: blocked[i], restoration: restored[i], isInside: t >= window[0] && t <= window[1] };
}

/**
 * Bars upwards are restorations, downwards blocks; the window is outlined with a grip at each end.
 * @param {HTMLCanvasElement} canvas @param {State} state @param {Span} window @param {number} width
 */
export function drawBrush(canvas, state, window, width) {
  const g = prepare(canvas, width, HEIGHT);
  const strip = stripOf(state, window);
  const X = scale(strip, width);
  const bins = binsOf(strip);
  const key = [state.facts, bins.start, bins.step, bins.n].join();
  if (summed.key !== key || summed.state !== state) summed = { key, state, ...flows(state, bins) };
  const middle = HEIGHT / 2;
  g.fillStyle = theme.line2;
  g.fillRect(0, snap(middle), width, 1);
  flowBars(g, summed, X, middle, middle - 4, 1.5);
  const [a, b] = [snap(Math.max(0, X(window[0]))), snap(Math.min(width, X(window[1])))];
  g.globalAlpha = 0.72;
  g.fillStyle = theme.sunk;
  g.fillRect(0, 0, a, HEIGHT);
  g.fillRect(b, 0, width - b, HEIGHT);
  g.globalAlpha = 1;
  g.strokeStyle = theme.ink;
  g.lineWidth = 1;
  g.strokeRect(a + 0.5, 0.5, Math.max(2, b - a - 1), HEIGHT - 1);
  g.fillStyle = theme.ink;
  for (const x of [a, b - 3]) g.fillRect(x, HEIGHT / 2 - 6, 3, 12);
  label(canvas, state, window, strip);
}

/** @param {HTMLCanvasElement} canvas @param {State} state @param {Span} window @param {Span} strip */
function label(canvas, state, window, strip) {
  const [blocked, restored] = [summed.blocked, summed.restored].map((of) => of.reduce((sum, k) => sum + k, 0));
  const words = `${dayYear(window[0])} to ${dayYear(Math.min(window[1], state.now))}, ${duration(window[1] - window[0])}. ${count(restored)} restored and ${count(blocked)} blocked in ${duration(strip[1] - strip[0])}.`;
  if (canvas.getAttribute("aria-valuetext") === words) return;
  canvas.setAttribute("aria-valuetext", words);
  const share = Math.round((100 * (window[1] - strip[0])) / (strip[1] - strip[0]));
  canvas.setAttribute("aria-valuenow", String(Math.max(0, Math.min(100, share))));
  const length = (strip[1] - strip[0]) / DAY;
  const title = length < 2 ? duration(strip[1] - strip[0]) : `${count(Math.round(length))} days`;
  say($("strip-days"), `${title}, ${perBin(summed.bins.step)}`);
}

/** A press that moves less is a click. */
const STILL_PX = 4;
/** A window that fills so much of the strip cannot be moved in it: to drag selects a part of it instead. */
const FULL = 0.97;

/**
 * Drag the window or an end of it; drag beside it, with Shift, or where it fills the strip, to select another one; press
 * beside it to have it there. `on` = {current(), move(window), settle()}.
 * @param {HTMLCanvasElement} canvas @param {Moving} on
 */
export function connectBrush(canvas, on) {
  /** @type {{ part: "from" | "to" | "both" | "new", x: number, at: number, window: Span, strip: Span, perPixel: number, moved: boolean } | null} */
  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    const now = on.current();
    if (!now || event.button) return;
    event.preventDefault();
    event.stopPropagation();
    canvas.focus({ preventScroll: true });
    const { width, window } = now;
    const strip = stripOf(now.state, window);
    const at = event.clientX - canvas.getBoundingClientRect().left;
    const part = partAt(at, window.map(scale(strip, width)), width, event.shiftKey);
    held = { part, x: event.clientX, at, window, strip, perPixel: (strip[1] - strip[0]) / width, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held || (!held.moved && Math.abs(event.clientX - held.x) < STILL_PX)) return;
    held.moved = true;
    const by = (event.clientX - held.x) * held.perPixel;
    const [from, to] = held.window;
    const begin = held.strip[0] + held.at * held.perPixel;
    if (held.part === "both") on.move([from + by, to + by]);
    else if (held.part === "from") on.move([Math.min(from + by, to - held.perPixel), to]);
    else if (held.part === "to") on.move([from, Math.max(to + by, from + held.perPixel)]);
    else on.move([Math.min(begin, begin + by), Math.max(begin, begin + by)]);
  });
  const letGo = () => {
    if (!held) return;
    const { window, strip, at, perPixel, moved } = held;
    const t = strip[0] + at * perPixel;
    if (!moved && (t < window[0] || t > window[1])) on.move(panned(window, t - (window[0] + window[1]) / 2));
    on.settle();
  };
  canvas.addEventListener("pointerup", letGo);
  canvas.addEventListener("pointercancel", () => {
    letGo();
    held = null;
  });
  // The click at the end of a drag does not open the bar below it.
  canvas.addEventListener("click", (event) => {
    if (held?.moved) event.stopPropagation();
    held = null;
  });
}

/**
 * What a press at a pixel of the strip takes hold of. `ends` are the pixels of the window.
 * @param {number} at @param {number[]} ends @param {number} width @param {boolean} selects
 */
export function partAt(at, [a, b], width, selects) {
  if (selects) return "new";
  if (Math.abs(at - a) <= GRIP_PX) return "from";
  if (Math.abs(at - b) <= GRIP_PX) return "to";
  return at > a && at < b && b - a < width * FULL ? "both" : "new";
}
