// A drawing context that writes down what is drawn, as SVG: the same code draws the board on screen and in the file.
// It knows the part of CanvasRenderingContext2D that the board uses.

import { escaped } from "../shell/dom.mjs";

/** @param {number} v */
const number = (v) => String(Math.round(v * 100) / 100);

export class SvgContext {
  /** `measure(font, words)` is the width of a text in pixels. @param {(font: string, words: string) => number} measure */
  constructor(measure) {
    this.measure = measure;
    /** @type {string[]} */
    this.out = [];
    /** @type {Map<string, string>} */
    this.defs = new Map();
    /** @type {object[]} */
    this.saved = [];
    this.clips = 0;
    this.path = "";
    this.fillStyle = this.strokeStyle = "#000";
    this.lineWidth = this.globalAlpha = 1;
    this.font = "11px sans-serif";
    this.textAlign = "left";
    this.textBaseline = "middle";
    /** @type {number[]} */
    this.dash = [];
    this.left = this.top = 0;
    /** Groups that were opened and not closed, since the last `save` and in all. */
    this.open = this.unclosed = 0;
  }

  /** All that was drawn, as elements. */
  get text() {
    const ends = "</g>".repeat(this.unclosed);
    return `<defs>${[...this.defs.values()].join("")}</defs>${this.out.join("")}${ends}`;
  }

  /**
   * A fill that stands for a hatch: `draw(g)` draws one tile of `size` pixels.
   * @param {string} id @param {number} size @param {(g: any) => void} draw
   */
  hatch(id, size, draw) {
    if (!this.defs.has(id)) {
      this.defs.set(id, "");
      const tile = new SvgContext(this.measure);
      draw(tile);
      this.defs.set(id, `<pattern id="${id}" width="${size}" height="${size}" patternUnits="userSpaceOnUse">${tile.out.join("")}</pattern>`);
    }
    return `url(#${id})`;
  }

  /**
   * Everything until the next `restore` stands shifted, and cut to a box.
   * @param {number} x @param {number} y @param {number} width @param {number} height
   */
  box(x, y, width, height) {
    this.save();
    this.translate(x, y);
    this.clipTo(0, 0, width, height);
  }

  save() {
    const { fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline, dash, left, top, open } = this;
    this.saved.push({ fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline, dash, left, top, open });
    this.open = 0;
  }

  restore() {
    this.out.push("</g>".repeat(this.open));
    this.unclosed -= this.open;
    Object.assign(this, this.saved.pop());
  }

  /** @param {number} x @param {number} y */
  translate(x, y) {
    this.left += x;
    this.top += y;
  }

  setTransform() {}

  clearRect() {}

  /** @param {number[]} dash */
  setLineDash(dash) {
    this.dash = dash;
  }

  /** @param {number} x @param {number} y */
  at(x, y) {
    return `${number(x + this.left)} ${number(y + this.top)}`;
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  rectangle(x, y, w, h) {
    const [left, top] = [x + this.left, y + this.top];
    return `x="${number(left)}" y="${number(top)}" width="${number(Math.max(0, w))}" height="${number(Math.max(0, h))}"`;
  }

  get filled() {
    return `fill="${this.fillStyle}"${this.globalAlpha < 1 ? ` opacity="${number(this.globalAlpha)}"` : ""}`;
  }

  get stroked() {
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.join(" ")}"` : "";
    return `fill="none" stroke="${this.strokeStyle}" stroke-width="${number(this.lineWidth)}"${dash}${this.globalAlpha < 1 ? ` opacity="${number(this.globalAlpha)}"` : ""}`;
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  fillRect(x, y, w, h) {
    if (w > 0 && h > 0) this.out.push(`<rect ${this.rectangle(x, y, w, h)} ${this.filled}/>`);
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  strokeRect(x, y, w, h) {
    this.out.push(`<rect ${this.rectangle(x, y, w, h)} ${this.stroked}/>`);
  }

  /** @param {string | number} words @param {number} x @param {number} y */
  fillText(words, x, y) {
    const [, weight, size, family] = /^(?:(\d+) )?([\d.]+)px (.*)$/.exec(this.font) ?? [];
    const anchor = { center: "middle", right: "end" }[this.textAlign];
    const [left, top] = [x + this.left, y + this.top + (this.textBaseline === "middle" ? Number(size) * 0.35 : 0)];
    const more = `${weight && weight !== "400" ? ` font-weight="${weight}"` : ""}${anchor ? ` text-anchor="${anchor}"` : ""}`;
    this.out.push(`<text x="${number(left)}" y="${number(top)}" font-size="${size}" font-family="${escaped(family ?? "sans-serif")}"${more} ${this.filled}>${escaped(words)}</text>`);
  }

  /** @param {string | number} words */
  measureText(words) {
    return { width: this.measure(this.font, String(words)) };
  }

  /**
   * `source` is a canvas: what shapes cannot show (a pixel for each share) is put in as a picture.
   * @param {HTMLCanvasElement} source @param {number} x @param {number} y @param {number} w @param {number} h
   */
  drawImage(source, x, y, w, h) {
    this.out.push(`<image ${this.rectangle(x, y, w, h)} preserveAspectRatio="none" style="image-rendering:pixelated" href="${source.toDataURL("image/png")}"/>`);
  }

  beginPath() {
    this.path = "";
  }

  /** @param {number} x @param {number} y */
  moveTo(x, y) {
    this.path += `M${this.at(x, y)}`;
  }

  /** @param {number} x @param {number} y */
  lineTo(x, y) {
    this.path += `${this.path ? "L" : "M"}${this.at(x, y)}`;
  }

  /** @param {number} a @param {number} b @param {number} c @param {number} d @param {number} x @param {number} y */
  bezierCurveTo(a, b, c, d, x, y) {
    this.path += `C${this.at(a, b)} ${this.at(c, d)} ${this.at(x, y)}`;
  }

  /** Whole circles only. @param {number} x @param {number} y @param {number} r */
  arc(x, y, r) {
    this.path += `M${this.at(x - r, y)}a${number(r)} ${number(r)} 0 1 0 ${number(2 * r)} 0a${number(r)} ${number(r)} 0 1 0 ${number(-2 * r)} 0`;
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  rect(x, y, w, h) {
    this.path += `M${this.at(x, y)}h${number(w)}v${number(h)}h${number(-w)}Z`;
  }

  /**
   * The corners are cut, which at this size looks the same.
   * @param {number} x @param {number} y @param {number} w @param {number} h @param {number} r
   */
  roundRect(x, y, w, h, r) {
    this.moveTo(x + r, y);
    for (const [a, b] of [[x + w - r, y], [x + w, y + r], [x + w, y + h - r], [x + w - r, y + h], [x + r, y + h], [x, y + h - r], [x, y + r]]) this.lineTo(a, b);
    this.closePath();
  }

  closePath() {
    this.path += "Z";
  }

  fill() {
    this.out.push(`<path d="${this.path}" ${this.filled}/>`);
  }

  stroke() {
    this.out.push(`<path d="${this.path}" ${this.stroked}/>`);
  }

  /** Until the next `restore`. */
  clip() {
    this.clips += 1;
    const id = `clip${this.clips}`;
    this.defs.set(id, `<clipPath id="${id}"><path d="${this.path}"/></clipPath>`);
    this.out.push(`<g clip-path="url(#${id})">`);
    this.open += 1;
    this.unclosed += 1;
  }

  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  clipTo(x, y, w, h) {
    this.beginPath();
    this.rect(x, y, w, h);
    this.clip();
  }
}
