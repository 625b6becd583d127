// What lies under the pointer on the pictures above the lanes of the Live page, and where a press on it leads.

import { bandAt, cellAt } from "../board/context.mjs";
import { countAt, members } from "../board/counts.mjs";
import { ofPostsWords } from "../board/posts.mjs";
import { CHECKED, spotOfBand, spotOfCell, TO_ACCOUNTS } from "../board/pressed.mjs";
import { factOfEnds, factsOfMarks, linked } from "../board/table.mjs";
import { behind, changesFigure, statusFigure } from "../shell/behind.mjs";
import { $, all, escaped, find, patch, targetOf } from "../shell/dom.mjs";
import { count, percent, stamp, zoneName } from "../shell/time.mjs";
import { barAt, flowsIn } from "./brush.mjs";
import { holds } from "./window.mjs";

const ALL = "board/all";
/** @type {Record<"block" | "restoration", { mark: string, done: string }>} */
const KINDS = { restoration: { mark: "▲", done: "restored" }, block: { mark: "▼", done: "blocked" } };

/** @param {Drawn} drawn @param {MouseEvent} event @returns {Spot | null} */
export function spotAt({ state, window, width }, event) {
  const canvas = /** @type {HTMLCanvasElement | null} */ (targetOf(event).closest("canvas"));
  if (!canvas) return null;
  const box = canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  if (canvas.id === "c-fleet") {
    const band = bandAt(canvas, state, window, { x, y, width });
    return band && spotOfBand(band, ALL, state.now);
  }
  if (canvas.id === "c-brush") return spotOfBar({ state, window, width }, x, y < box.height / 2 ? "restoration" : "block");
  const row = /** @type {HTMLElement | null} */ (canvas.closest(".strip[data-list]"));
  if (!row) return null;
  const list = Number(row.dataset.list);
  const cell = cellAt(state, members(state, list), window, x, width);
  return cell && spotOfCell(cell, `board/${list}`, state.now);
}

/**
 * A bar of the strip: one inside the window leads to its accounts, a press beside the window has it there.
 * @param {Pick<Drawn, "state" | "window" | "width">} of @param {number} x @param {"block" | "restoration"} kind @returns {Spot | null}
 */
function spotOfBar({ state, window, width }, x, kind) {
  const bar = barAt(state, window, width, x);
  if (!bar) return null;
  const lines = /** @type {const} */ (["restoration", "block"]).map((one) => `${KINDS[one].mark} <b>${count(bar[one])}</b> ${KINDS[one].done}`);
  const href = bar.isInside && bar[kind] ? behind(changesFigure(ALL, kind, bar.span), state.now) : null;
  return { lines, when: `${stamp(bar.span[0])} to ${stamp(bar.span[1])} ${zoneName(bar.span[1])}`, href, leads: `${TO_ACCOUNTS} (${KINDS[kind].mark})` };
}

/** How many were restored and blocked in the window, as links; while it moves, nothing is counted. @param {HTMLElement} root @param {Drawn} drawn @param {boolean} isStill */
export function writeFlows(root, { state, window }, isStill) {
  /** @type {Span} */
  const span = [Math.round(window[0]), Math.round(window[1])];
  const sums = isStill && holds(state, window) ? flowsIn(state, span) : null;
  const parts = /** @type {const} */ (["restoration", "block"]).map((kind) => {
    const { mark, done } = KINDS[kind];
    if (!sums) return `${mark} – ${done}`;
    const words = `${mark} ${count(sums[kind])} ${done}`;
    return sums[kind] ? `<a class="under" href="${escaped(behind(changesFigure(ALL, kind, span), state.now))}">${words}</a>` : words;
  });
  const ofPosts = sums ? ofPostsWords(sums.block + sums.restoration, sums.posts) : "";
  patch(root, `${parts.join(" ")} in the window${ofPosts && `, ${ofPosts}`}`);
}

/** @type {Sure<HTMLElement, { canvas: HTMLCanvasElement, right: HTMLElement }>} */
const parts = /** @type {any} */ (new WeakMap());

/** The parts of a row of a list: it is asked for in each frame. @param {HTMLElement} row */
export function partsOf(row) {
  if (!parts.has(row)) parts.set(row, { canvas: find(row, "canvas"), right: find(row, ".right") });
  return parts.get(row);
}

/** The end of a row of a list, as it is drawn. @param {State} state @param {number} list @param {number} t */
function endOf(state, list, t) {
  const counts = countAt(state, members(state, list), t);
  return { blocked: counts.W + counts.S, read: counts.n - counts.U };
}

/** @param {number} list @param {string} letters @param {number} t @param {number} now */
const ofList = (list, letters, t, now) => behind(statusFigure(`board/${list}`, letters, t), now);

/** The numbers at the right of a row of a list, as links to those at `t`; null for no links. @param {HTMLElement} root @param {{ blocked: number, read: number }} end @param {number} list @param {number | null} t @param {number} now */
export function writeShare(root, { blocked, read }, list, t, now) {
  if (!read) return patch(root, "<b>–</b><span>none read</span>");
  /** @param {number} n @param {string} letters */
  const link = (n, letters) => (t === null ? count(n) : `<a tabindex="-1" href="${escaped(ofList(list, letters, t, now))}">${count(n)}</a>`);
  return patch(root, `<b>${percent(blocked, read)}</b><span>${blocked ? link(blocked, "WS") : "0"} of ${link(read, CHECKED)}</span>`);
}

/** What the pictures say, as rows of a table, with the links that a pointer finds on them. @param {Drawn} drawn @returns {Fact[]} */
export function factsOf({ state, window, marks, ends }) {
  const t = Math.min(state.now, window[1]);
  const shares = [...rowsOf($("strips"))].map((row) => {
    const list = Number(row.dataset.list);
    const { blocked, read } = endOf(state, list, t);
    const said = read ? `${percent(blocked, read)} blocked, ${linked(count(blocked), blocked ? ofList(list, "WS", t, state.now) : null)} of ${linked(count(read), ofList(list, CHECKED, t, state.now))} checked` : "none read";
    return { what: String(find(row, ".name").textContent), said };
  });
  const people = state.executives.map((e) => ({ what: e.name, said: linked("Engagements", `/executives/${e.id}`) }));
  return [factOfEnds(ends, (end) => behind(statusFigure(ALL, end.letters, t), state.now)), ...shares, ...factsOfMarks(marks, window), ...people];
}

/** The rows of lists. @param {HTMLElement} root */
export const rowsOf = (root) => all(root, ".strip");
