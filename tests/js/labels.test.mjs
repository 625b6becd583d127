import assert from "node:assert/strict";
import { test } from "node:test";
import { drawIn, labeledCountry, newPacing, noteDrawn } from "../../dashboard/assets/shell/labels.mjs";

/** When the page is drawn if labels come at these times. @param {number[]} times */
function drawings(times) {
  const pacing = newPacing();
  /** @type {number[]} */
  const drawn = [];
  for (const now of times) {
    // What came before the last drawing is in it.
    if (drawn.length && now <= (drawn.at(-1) ?? 0)) continue;
    const at = now + drawIn(pacing, now);
    noteDrawn(pacing, at);
    drawn.push(at);
  }
  return drawn;
}

test("labels that come one by one are each drawn at once", () => {
  assert.deepEqual(drawings([0, 60_000, 120_000]), [0, 60_000, 120_000]);
});

test("a second label is drawn a second after the first", () => {
  assert.deepEqual(drawings([0, 200]), [0, 1_000]);
});

test("a burst of 500 in a minute costs few drawings, the last of which shows all of it", () => {
  const times = Array.from({ length: 500 }, (_, n) => n * 120);
  const drawn = drawings(times);
  assert.ok(drawn.length <= 12, `${drawn.length} drawings`);
  assert.ok((drawn.at(-1) ?? 0) >= (times.at(-1) ?? 0));
});

test("after a burst a single label is drawn at once again", () => {
  const burst = Array.from({ length: 500 }, (_, n) => n * 120);
  assert.equal(drawings([...burst, 120_000]).at(-1), 120_000);
});

test("only the page Labels of a country has news of labels", () => {
  for (const [path, country] of [
    ["/countries/TR/labels", "TR"],
    ["/countries/TR/labels/", "TR"],
    ["/countries/TR", null],
    ["/countries/TR/network", null],
    ["/", null],
  ])
    assert.equal(labeledCountry(String(path)), country);
});
