// Zoom and pan on the board's time axis: wheel, drag, pinch, keys.

import { targetOf } from "../shell/dom.mjs";
import { panned, zoomed } from "./window.mjs";

/** A press that moves less is a click. */
const STILL_PX = 4;
const SETTLED_MS = 250;
const STEP = 0.2;
const KEY_ZOOM = 0.6;

/** How far one turn of the wheel zooms: a pinch on a trackpad comes as many small turns. @param {number} delta */
const wheelZoom = (delta) => Math.exp(Math.max(-30, Math.min(30, delta)) * 0.01);

/**
 * `on` = {chart(): {left, width} in pixels of the window, or null; current(): {window}; move(window): draw it;
 * settle(): the gesture is over; reset(): back to the preset; pause(): hold the feed, or let it go; wheeled(): the wheel
 * was turned over the drawings without a key, which scrolls the page}.
 * @param {HTMLElement} board @param {Moving & { reset(): void, pause(): void, wheeled(): void }} on
 */
export function connectGestures(board, on) {
  /** @type {Map<number, { x: number, y: number, first: number }>} */
  const pointers = new Map();
  /** @type {{ window: Span, held: number[] } | null} */
  let start = null;
  let moved = false;
  let timer = 0;

  const settleSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(on.settle, SETTLED_MS);
  };
  /** Where the drawings are, and their window: a pointer is in them, so that they are there. */
  const held = () => ({ chart: /** @type {{ left: number, width: number }} */ (on.chart()), window: /** @type {Drawn} */ (on.current()).window });
  /** @param {number} x */
  const timeAt = (x) => {
    const { left, width } = held().chart;
    const [from, to] = held().window;
    return from + ((x - left) / width) * (to - from);
  };
  /** @param {number} x */
  const inChart = (x) => {
    const chart = on.chart();
    return chart !== null && x >= chart.left && x <= chart.left + chart.width;
  };
  /** @param {Span} window */
  const go = (window) => {
    on.move(window);
    settleSoon();
  };

  board.addEventListener(
    "wheel",
    (event) => {
      if (!inChart(event.clientX)) return;
      const zooms = event.ctrlKey || event.metaKey;
      const side = event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX;
      if (!zooms && Math.abs(side) <= (event.shiftKey ? 0 : Math.abs(event.deltaY))) {
        on.wheeled();
        return;
      }
      event.preventDefault();
      const { chart, window } = held();
      if (zooms) go(zoomed(window, wheelZoom(event.deltaY), timeAt(event.clientX)));
      else go(panned(window, (side / chart.width) * (window[1] - window[0])));
    },
    { passive: false },
  );

  /** Zoom about the middle; a factor below 1 zooms in. @param {number} factor */
  const zoom = (factor) => {
    const window = on.current()?.window;
    if (window) go(zoomed(window, factor, (window[0] + window[1]) / 2));
  };
  board.addEventListener("click", (event) => {
    const asked = /** @type {HTMLElement | null} */ (targetOf(event).closest("[data-zoom]"))?.dataset.zoom;
    if (asked === "reset") on.reset();
    else if (asked) zoom(asked === "in" ? KEY_ZOOM : 1 / KEY_ZOOM);
  });

  /** From here on the fingers that are down hold these times. */
  const grip = () => {
    start = { window: held().window, held: [...pointers.values()].map((p) => p.x) };
  };

  board.addEventListener("pointerdown", (event) => {
    if (event.button || !inChart(event.clientX) || targetOf(event).closest("a, button, select, input, [role=slider]")) return;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, first: event.clientX });
    moved = pointers.size > 1;
    grip();
  });

  board.addEventListener("pointermove", (event) => {
    const pointer = pointers.get(event.pointerId);
    if (!pointer || !start) return;
    pointer.x = event.clientX;
    if (!moved && Math.abs(pointer.x - pointer.first) < STILL_PX) return;
    if (!moved) {
      moved = true;
      board.classList.add("dragging");
    }
    if (!board.hasPointerCapture(event.pointerId)) board.setPointerCapture(event.pointerId);
    go(dragged(start, [...pointers.values()].map((p) => p.x), held().chart));
  });

  /** @param {PointerEvent} event */
  const release = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    board.classList.remove("dragging");
    if (pointers.size) grip();
    else start = null;
  };
  board.addEventListener("pointerup", release);
  board.addEventListener("pointercancel", release);
  // What ends a drag is no click on what happens to lie under it.
  board.addEventListener(
    "click",
    (event) => {
      if (moved) event.stopPropagation();
      moved = false;
    },
    true,
  );

  board.addEventListener("keydown", (event) => {
    if (targetOf(event).closest("button, select, input, a") || event.ctrlKey || event.metaKey || event.altKey) return;
    const window = on.current()?.window;
    if (!window) return;
    const slides = event.shiftKey || targetOf(event).closest("[role=slider]");
    const side = slides ? { ArrowLeft: -STEP, ArrowRight: STEP }[event.key] : undefined;
    const factor = { "+": KEY_ZOOM, "=": KEY_ZOOM, "-": 1 / KEY_ZOOM, _: 1 / KEY_ZOOM }[event.key];
    if (side) go(panned(window, side * (window[1] - window[0])));
    else if (factor) zoom(factor);
    else if (event.key === "0") on.reset();
    else if (event.key === " ") on.pause();
    else return;
    event.preventDefault();
  });
}

/**
 * The window in which the fingers lie on the times that they took hold of: one drags, two stretch.
 * @param {{ window: Span, held: number[] }} of @param {number[]} now @param {{ left: number, width: number }} of
 */
export function dragged({ window, held }, now, { left, width }) {
  const span = window[1] - window[0];
  /** @param {number} x */
  const time = (x) => window[0] + ((x - left) / width) * span;
  if (now.length < 2 || held.length < 2) return panned(window, ((held[0] - now[0]) / width) * span);
  const far = Math.max(10, Math.abs(now[0] - now[1]));
  const factor = Math.max(10, Math.abs(held[0] - held[1])) / far;
  const middle = (held[0] + held[1]) / 2;
  const [from, to] = zoomed(window, factor, time(middle));
  const by = ((middle - (now[0] + now[1]) / 2) / width) * (to - from);
  return panned([from, to], by);
}
