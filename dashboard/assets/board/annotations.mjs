// Orders, notices and claims above the time axis: which lines there are, and labels that never overlap.

import { escaped, patch } from "../shell/dom.mjs";
import { count, day } from "../shell/time.mjs";
import { fit, prepare, scale, shape, snap, text, theme } from "./marks.mjs";

/** Orders, notices and claims as marks of the axis, each with the page that it leads to. @param {State} state */
export function annotations(state) {
  /** @type {Mark[]} */
  const out = state.orders.map((o) => ({
    t: o.at, href: orderPage(o.id), label: `${o.title}: ${count(o.named)} named`, sub: o.disputed ? disputed(o) : "",
    range: o.from !== null && o.to !== null ? [o.from, o.to] : null, row: 0, hollow: false,
  }));
  for (const o of state.orders) {
    if (o.deadline !== null) out.push({ t: o.deadline, href: orderPage(o.id), label: `Deadline, ${o.title}`, sub: "", range: null, row: 1, hollow: false, minor: true });
  }
  for (const e of state.events) {
    out.push({
      t: e.at, href: e.order === null ? null : orderPage(e.order), label: e.kind === "claim" ? `Claim: “${e.text}”` : e.text, sub: e.source,
      range: e.from !== null && e.to !== null ? [e.from, e.to] : null, row: 1, hollow: e.kind === "claim",
    });
  }
  return out.sort((a, b) => a.t - b.t);
}

/** @param {number} id */
const orderPage = (id) => `/orders/${id}`;

/** @param {Order} o */
const disputed = (o) => `dated ${day(o.from ?? o.at)} to ${day(o.to ?? o.at)}`;

const ROWS = 3;
const ROW_PX = 17;
/** A label that stands nearer to a line than this is taken for that line's. */
const APART = 10;
export const LABELS_PX = ROWS * ROW_PX + 9;

/**
 * The labels of the vertical lines, in three rows that never overlap. What has no room loses its second part first.
 * @param {HTMLCanvasElement} canvas @param {Mark[]} marks @param {Span} window @param {number} width
 */
export function drawAnnotations(canvas, marks, window, width) {
  const g = prepare(canvas, width, LABELS_PX);
  const X = scale(window, width);
  const inside = marks.filter((m) => m.t >= window[0] && m.t <= window[1]);
  const places = place(g, inside, X, width);
  for (const m of inside) {
    const x = snap(X(m.t));
    g.strokeStyle = theme.ink2;
    g.lineWidth = 1;
    g.setLineDash(m.range ? [2, 3] : m.minor ? [5, 3] : []);
    g.beginPath();
    g.moveTo(x + 0.5, (places.get(m)?.row ?? ROWS - 1) * ROW_PX + 3);
    g.lineTo(x + 0.5, LABELS_PX);
    g.stroke();
    g.setLineDash([]);
    if (m.range) bracket(g, X(m.range[0]), X(m.range[1]), LABELS_PX - 4);
    if (m.hollow) shape(g, "post", x + 0.5, LABELS_PX - 5, 4.5, true);
  }
  for (const [m, { row, left, label, width: w, rest }] of places) {
    const y = row * ROW_PX + 9;
    g.fillStyle = theme.card;
    g.fillRect(left - 2, y - 8, w + 4, 16);
    text(g, 11, 600);
    g.fillStyle = m.minor ? theme.ink2 : theme.ink;
    g.fillText(label, left, y);
    if (!rest) continue;
    const after = left + g.measureText(label).width + 6;
    text(g, 11);
    g.fillStyle = theme.ink2;
    g.fillText(rest, after, y);
  }
  return places;
}

/**
 * A link over each label, so that a press on it leads to its order. “View as table” has the same links for the keyboard.
 * @param {HTMLElement} root @param {Map<Mark, Label>} places
 */
export function linkAnnotations(root, places) {
  const links = [...places].flatMap(([m, { row, left, width }]) =>
    m.href ? [`<a tabindex="-1" href="${m.href}" title="${escaped(`${m.label}. Opens the order.`)}" style="left:${Math.round(left - 2)}px;top:${row * ROW_PX + 1}px;width:${Math.round(width + 4)}px"><span class="hidden">${escaped(m.label)}</span></a>`] : [],
  );
  return patch(root, links.join(""));
}

/**
 * Where each label goes: important ones choose first, orders, then notices and claims, then deadlines.
 * @param {Ctx} g @param {Mark[]} marks @param {Scale} X @param {number} width
 */
export function place(g, marks, X, width) {
  /** @type {Map<Mark, Label>} */
  const places = new Map();
  /** @type {Span[][]} */
  const taken = Array.from({ length: ROWS }, () => []);
  /** @param {Mark} m */
  const weight = (m) => (m.minor ? 2 : m.row);
  for (const m of [...marks].sort((a, b) => weight(a) - weight(b) || a.t - b.t)) {
    const x = X(m.t);
    text(g, 11, 600);
    const label = fit(g, m.label, Math.min(Math.max(width * 0.5, 130), 260));
    const w1 = g.measureText(label).width;
    text(g, 11);
    const w2 = m.sub ? g.measureText(m.sub).width + 6 : 0;
    const lines = marks.filter((o) => o !== m).map((o) => [X(o.t), places.get(o)?.row ?? weight(o)]);
    /** @param {number} row @param {number} a @param {number} b */
    const free = (row, a, b) => a >= 0 && b <= width && taken[row].every(([p, q]) => b + 8 < p || a - 8 > q);
    /** @param {number} row @param {number} a @param {number} b */
    const clear = (row, a, b) => lines.every(([o, from]) => from > row || o < a - APART || o > b + APART);
    const rows = [0, 1, 2].sort((a, b) => Math.abs(a - weight(m)) - Math.abs(b - weight(m)));
    /** @param {number} w */
    const sides = (w) => [x + 6, x - 6 - w];
    /** @type {[width: number, rest: string, mustBeClear: boolean][]} */
    const ways = [[w1 + w2, m.sub, true], [w1, "", true], [w1, "", false]];
    const choices = ways.flatMap(([w, rest, mustBeClear]) =>
      rows.flatMap((row) => sides(w).map((left) => ({ row, left, label, width: w, rest, mustBeClear }))),
    );
    const found = choices.find((c) => free(c.row, c.left, c.left + c.width) && (!c.mustBeClear || clear(c.row, c.left, c.left + c.width)));
    // A deadline is worth a label only where nobody takes it for another line's.
    const chosen = m.minor ? (found?.mustBeClear ? found : null) : (found ?? squeezed(g, m, x, width, rows, taken));
    if (!chosen) continue;
    places.set(m, chosen);
    taken[chosen.row].push([chosen.left, chosen.left + chosen.width]);
  }
  return places;
}

/**
 * Last resort: what fits between this line and the next label.
 * @param {Ctx} g @param {Mark} m @param {number} x @param {number} width @param {number[]} rows @param {Span[][]} taken
 */
function squeezed(g, m, x, width, rows, taken) {
  text(g, 11, 600);
  for (const row of rows) {
    const end = Math.min(width, ...taken[row].filter(([p]) => p > x).map(([p]) => p - 8));
    if (end - x - 6 < 56 || taken[row].some(([p, q]) => p <= x + 6 && q + 8 > x + 6)) continue;
    const label = fit(g, m.label, end - x - 6);
    return { row, left: x + 6, label, width: g.measureText(label).width, rest: "" };
  }
  return null;
}

/** @param {Ctx} g @param {number} x0 @param {number} x1 @param {number} y */
function bracket(g, x0, x1, y) {
  const a = snap(x0) + 0.5;
  const b = snap(x1) + 0.5;
  g.beginPath();
  g.moveTo(a, y - 3);
  g.lineTo(a, y + 3);
  g.moveTo(a, y);
  g.lineTo(b, y);
  g.moveTo(b, y - 3);
  g.lineTo(b, y + 3);
  g.stroke();
}
