import assert from "node:assert/strict";
import { test } from "node:test";

import { SvgContext } from "../../dashboard/assets/live/svg.mjs";

const context = () => new SvgContext((_font, words) => words.length * 6);

test("shapes and words are written where they would have been drawn, and a stranger's text as text", () => {
  const g = context();
  g.box(100, 20, 50, 30);
  g.fillStyle = "#d55e00";
  g.fillRect(1, 2, 3, 4);
  g.font = "600 11px sans-serif";
  g.fillText("<b>@a&b</b>", 5, 10);
  g.restore();
  g.fillRect(0, 0, 2, 2);
  assert.match(g.text, /<rect x="101" y="22" width="3" height="4" fill="#d55e00"\/>/);
  assert.match(g.text, /font-weight="600"[^>]*>&lt;b&gt;@a&amp;b&lt;\/b&gt;<\/text><\/g><rect x="0" y="0"/);
  assert.match(g.text, /<clipPath id="clip1"><path d="M100 20h50v30h-50Z"\/>/);
});

test("a path is stroked with its dash and filled as it stands", () => {
  const g = context();
  g.beginPath();
  g.moveTo(0, 0);
  g.lineTo(10, 0.126);
  g.closePath();
  g.setLineDash([3, 2]);
  g.stroke();
  g.fill();
  assert.match(g.text, /<path d="M0 0L10 0.13Z" fill="none" stroke="#000" stroke-width="1" stroke-dasharray="3 2"\/>/);
  assert.match(g.text, /<path d="M0 0L10 0.13Z" fill="#000"\/>/);
});

test("a hatch is written once, however often it is used", () => {
  const g = context();
  for (let i = 0; i < 3; i++) {
    g.fillStyle = g.hatch("hatch-W", 6, (tile) => tile.fillRect(0, 0, 6, 6));
    g.fillRect(i, 0, 1, 1);
  }
  assert.equal(g.text.split("<pattern ").length - 1, 1);
  assert.equal(g.text.split("url(#hatch-W)").length - 1, 3);
});

test("what was saved and not restored is closed at the end", () => {
  const g = context();
  g.box(0, 0, 1, 1);
  assert.equal(g.text.split("<g ").length, g.text.split("</g>").length);
});
