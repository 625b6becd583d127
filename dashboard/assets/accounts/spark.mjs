// The last 30 days of one account as a small SVG: its spells, its change windows, and nothing where nobody looked.

import { capital, covered, knownUntil } from "../board/state.mjs";
import { count, day } from "../shell/time.mjs";

const WIDTH = 132;
const HEIGHT = 16;
const HALF = new Set(["P", "D"]);

/**
 * What is drawn: [{kind: "spell" | "window" | "provisional", s, from, to}], in the order of drawing.
 * @param {Held["state"]} state @param {AccountRow} row
 */
export function pieces(state, row) {
  const end = knownUntil(state, row);
  const { from: begin } = row;
  if (end === -Infinity || begin === null) return [];
  /** @type {Piece[]} */
  const windows = [];
  /** @type {Piece[]} */
  const solid = [];
  row.spells.forEach((spell, k) => {
    const next = row.spells[k + 1];
    let stop = Math.min(next ? next.onset ?? next.from : spell.to ?? end, end);
    // Between the last reading that agrees and a provisional one that does not, nothing is known.
    if (spell === row.now && row.pending?.old) stop = Math.min(stop, Math.max(row.pending.old, spell.from));
    for (const [from, to] of covered(row, Math.max(spell.from, begin), stop)) solid.push({ kind: "spell", s: spell.s, from, to });
    if (spell.onset !== null && spell.from > begin) windows.push({ kind: "window", s: spell.s, from: Math.max(spell.onset, begin), to: spell.from });
  });
  /** @type {Piece[]} */
  const open = [];
  if (row.pending) {
    if (row.pending.old !== null) windows.push({ kind: "window", s: row.pending.s, from: Math.max(row.pending.old, begin), to: row.pending.seen });
    open.push({ kind: "provisional", s: row.pending.s, from: Math.max(row.pending.seen, begin), to: Math.max(end, row.pending.seen) });
  }
  return [...windows, ...solid, ...open];
}

/** In words, for who does not see it. @param {AccountRow} row */
export function words(row) {
  const { from: begin } = row;
  if (begin === null) return "Loading the last 30 days";
  if (row.last === null) return "No reading in these 30 days";
  const shown = row.spells.filter((s) => (s.to ?? Infinity) > begin);
  const seen = shown.map((s) => (s.from <= begin ? capital(s.w) : `${s.w} from ${day(s.from)}`)).slice(-4).join(", then ");
  const more = shown.length > 4 ? `${count(shown.length - 4)} earlier, ` : "";
  const gaps = row.gaps.length ? `; ${row.gaps.length === 1 ? "one gap" : `${count(row.gaps.length)} gaps`} without readings` : "";
  return `30 days: ${more}${seen || "nothing confirmed"}${row.pending ? `, provisional: ${row.pending.w}` : ""}${gaps}`;
}

/** The markup. Everything in it is a number or one of our own letters. @param {Held["state"]} state @param {AccountRow} row */
export function spark(state, row) {
  const begin = Number(row.from);
  const scale = (WIDTH - 2) / (state.now - begin);
  /** @param {number} t */
  const x = (t) => Math.round((t - begin) * scale * 2) / 2;
  const marks = pieces(state, row).map(({ kind, s, from, to }) => {
    const left = x(from);
    const width = Math.max(x(to) - left, kind === "window" ? 2 : s === "A" && kind === "spell" ? 1 : 3);
    const at = Math.min(left, WIDTH - width);
    if (kind === "window") return `<rect class="sp-win" x="${at + 0.5}" y="2.5" width="${width}" height="${HEIGHT - 5}"/>`;
    if (kind === "provisional") return `<rect class="sp-open sp-${s}" x="${at + 0.5}" y="2.5" width="${Math.max(width, 4)}" height="${HEIGHT - 5}"/>`;
    if (s === "A") return `<rect class="sp-A" x="${at}" y="${HEIGHT / 2 - 1}" width="${width}" height="2"/>`;
    const [y, height] = HALF.has(s) ? [5, HEIGHT - 10] : [2, HEIGHT - 4];
    return `<rect class="sp-${s}" x="${at + 0.5}" y="${y + 0.5}" width="${width}" height="${height - 1}"/>`;
  });
  return `<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" aria-hidden="true">${marks.join("")}</svg>`;
}
