// A drawing context that writes down what is drawn, as SVG: the same code draws the board on screen and in the file.
// It knows the part of CanvasRenderingContext2D that the board uses.

import { escape } from "../shell/dom.mjs";

const number = (v) => String(Math.round(v * 100) / 100);

export class SvgContext {
  /** `measure(font, words)` is the width of a text in pixels. */
  constructor(measure) {
    this.measure = measure;
    this.out = [];
    this.defs = new Map();
    this.saved = [];
    this.clips = 0;
    this.state = { fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, globalAlpha: 1, font: "11px sans-serif", textAlign: "left", textBaseline: "middle", dash: [], shift: [0, 0], open: 0 };
    this.path = "";
    for (const key of ["fillStyle", "strokeStyle", "lineWidth", "globalAlpha", "font", "textAlign", "textBaseline"]) {
      Object.defineProperty(this, key, { get: () => this.state[key], set: (value) => (this.state[key] = value) });
    }
  }

  /** All that was drawn, as elements. */
  get text() {
    const ends = "</g>".repeat([...this.saved, this.state].reduce((sum, s) => sum + s.open, 0));
    return `<defs>${[...this.defs.values()].join("")}</defs>${this.out.join("")}${ends}`;
  }

  /** A fill that stands for a hatch: `draw(g)` draws one tile of `size` pixels. */
  hatch(id, size, draw) {
    if (!this.defs.has(id)) {
      this.defs.set(id, "");
      const tile = new SvgContext(this.measure);
      draw(tile);
      this.defs.set(id, `<pattern id="${id}" width="${size}" height="${size}" patternUnits="userSpaceOnUse">${tile.out.join("")}</pattern>`);
    }
    return `url(#${id})`;
  }

  /** Everything until the next `restore` stands shifted, and cut to a box. */
  box(x, y, width, height) {
    this.save();
    this.translate(x, y);
    this.clipTo(0, 0, width, height);
  }

  save() {
    this.saved.push(this.state);
    this.state = { ...this.state, shift: [...this.state.shift], open: 0 };
  }

  restore() {
    this.out.push("</g>".repeat(this.state.open));
    this.state = this.saved.pop();
  }

  translate(x, y) {
    this.state.shift = [this.state.shift[0] + x, this.state.shift[1] + y];
  }

  setTransform() {}

  clearRect() {}

  setLineDash(dash) {
    this.state.dash = dash;
  }

  at(x, y) {
    return `${number(x + this.state.shift[0])} ${number(y + this.state.shift[1])}`;
  }

  rectangle(x, y, w, h) {
    const [left, top] = [x + this.state.shift[0], y + this.state.shift[1]];
    return `x="${number(left)}" y="${number(top)}" width="${number(Math.max(0, w))}" height="${number(Math.max(0, h))}"`;
  }

  get filled() {
    return `fill="${this.fillStyle}"${this.globalAlpha < 1 ? ` opacity="${number(this.globalAlpha)}"` : ""}`;
  }

  get stroked() {
    const dash = this.state.dash.length ? ` stroke-dasharray="${this.state.dash.join(" ")}"` : "";
    return `fill="none" stroke="${this.strokeStyle}" stroke-width="${number(this.lineWidth)}"${dash}${this.globalAlpha < 1 ? ` opacity="${number(this.globalAlpha)}"` : ""}`;
  }

  fillRect(x, y, w, h) {
    if (w > 0 && h > 0) this.out.push(`<rect ${this.rectangle(x, y, w, h)} ${this.filled}/>`);
  }

  strokeRect(x, y, w, h) {
    this.out.push(`<rect ${this.rectangle(x, y, w, h)} ${this.stroked}/>`);
  }

  fillText(words, x, y) {
    const [, weight, size, family] = /^(?:(\d+) )?([\d.]+)px (.*)$/.exec(this.font) ?? [];
    const anchor = { center: "middle", right: "end" }[this.textAlign];
    const [left, top] = [x + this.state.shift[0], y + this.state.shift[1] + (this.textBaseline === "middle" ? Number(size) * 0.35 : 0)];
    const more = `${weight && weight !== "400" ? ` font-weight="${weight}"` : ""}${anchor ? ` text-anchor="${anchor}"` : ""}`;
    this.out.push(`<text x="${number(left)}" y="${number(top)}" font-size="${size}" font-family="${escape(family ?? "sans-serif")}"${more} ${this.filled}>${escape(words)}</text>`);
  }

  measureText(words) {
    return { width: this.measure(this.font, String(words)) };
  }

  /** `source` is a canvas: what cannot be told in shapes (a pixel for each share) is put in as a picture. */
  drawImage(source, x, y, w, h) {
    this.out.push(`<image ${this.rectangle(x, y, w, h)} preserveAspectRatio="none" style="image-rendering:pixelated" href="${source.toDataURL("image/png")}"/>`);
  }

  beginPath() {
    this.path = "";
  }

  moveTo(x, y) {
    this.path += `M${this.at(x, y)}`;
  }

  lineTo(x, y) {
    this.path += `${this.path ? "L" : "M"}${this.at(x, y)}`;
  }

  bezierCurveTo(a, b, c, d, x, y) {
    this.path += `C${this.at(a, b)} ${this.at(c, d)} ${this.at(x, y)}`;
  }

  /** Whole circles only. */
  arc(x, y, r) {
    this.path += `M${this.at(x - r, y)}a${number(r)} ${number(r)} 0 1 0 ${number(2 * r)} 0a${number(r)} ${number(r)} 0 1 0 ${number(-2 * r)} 0`;
  }

  rect(x, y, w, h) {
    this.path += `M${this.at(x, y)}h${number(w)}v${number(h)}h${number(-w)}Z`;
  }

  /** The corners are cut, which at this size looks the same. */
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
    this.state.open += 1;
  }

  clipTo(x, y, w, h) {
    this.beginPath();
    this.rect(x, y, w, h);
    this.clip();
  }
}
