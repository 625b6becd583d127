import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "../../dashboard/assets/board/state.mjs";
import { choicesOf, DEFAULTS, searchOf } from "../../dashboard/assets/live/address.mjs";
import { dragged } from "../../dashboard/assets/live/gestures.mjs";
import { bounded, holds, panned, rangeFor, shownWindow, zoomed } from "../../dashboard/assets/live/window.mjs";
import { at, HOUR, snapshot } from "./world.mjs";

const view = (more) => ({ ...DEFAULTS, ...more });

test("zooming keeps the time under the pointer where it is", () => {
  const [from, to] = zoomed([at(2), at(6)], 0.5, at(3));
  assert.deepEqual([from, to], [at(2.5), at(4.5)]);
  assert.equal((at(3) - at(2)) / (at(6) - at(2)), (at(3) - from) / (to - from));
});

test("a window goes neither before the first reading nor beyond now, and is never shorter than ten minutes", () => {
  const state = decode(snapshot());
  const length = ({ from, to }) => to - from;
  assert.ok(bounded(state, panned([at(1), at(3)], -20 * HOUR)).from >= at(-1));
  assert.equal(length(bounded(state, panned([at(1), at(3)], -20 * HOUR))), 2 * HOUR);
  assert.equal(length(bounded(state, zoomed([at(1), at(3)], 1e-6, at(2)))), HOUR / 6);
  assert.ok(bounded(state, zoomed([at(1), at(3)], 1e6, at(2))).from <= at(0));
});

test("a window that reaches now ends now, and moves along with it", () => {
  const state = decode(snapshot());
  const span = bounded(state, panned([at(6), at(8)], 5 * HOUR));
  assert.equal(span.to, null);
  const [, end] = shownWindow(state, view({ span }));
  state.now = at(11);
  const [, later] = shownWindow(state, view({ span }));
  assert.ok(end > at(10) && later > at(11));
  assert.equal(bounded(state, [at(6), at(8)]).to, at(8));
});

test("a window that begins before what is loaded is not held, and the shortest range that holds it is named", () => {
  const state = decode(snapshot({ from: at(0), earliest: at(-2000) }));
  state.range = "24h";
  assert.equal(holds(state, [at(1), at(2)]), true);
  assert.equal(holds(state, [at(-30), at(2)]), false);
  assert.deepEqual([1, 25, 24 * 10, 24 * 20, 24 * 300, 24 * 4000].map((h) => rangeFor(state, at(10 - h))), ["24h", "7d", "14d", "30d", "1y", "all"]);
});

for (const [more, name] of [
  [{}, "nothing but the usual"],
  [{ range: "1y", list: "3", sort: "blocked", filter: "radio" }, "range, list, order and filter"],
  [{ span: { from: at(2), to: at(5) }, account: 17 }, "a window and a selected account"],
  [{ span: { from: at(2) + 7, to: null }, fit: true, only: true }, "a window up to now, all lanes, no rows above them"],
]) {
  test(`an address brings back ${name}`, () => assert.deepEqual(choicesOf(searchOf(view(more))), view(more)));
}

test("what an address says wrongly is as usual", () => {
  const wrong = "?range=century&from=yesterday&list=x%3Cscript%3E&sort=worst&account=-1&lanes=some";
  assert.deepEqual(choicesOf(wrong), view({}));
  assert.equal(choicesOf("?from=2021-02-03T00:00:00Z&to=2021-02-01T00:00:00Z").span, null);
  assert.equal(searchOf(view({})), "");
});

test("a finger keeps the time that it took hold of, two stretch the time between them", () => {
  const chart = { left: 100, width: 400 };
  const window = [at(0), at(8)];
  assert.deepEqual(dragged({ window, held: [200] }, [300], chart), [at(-2), at(6)]);
  const [from, to] = dragged({ window, held: [200, 300] }, [150, 350], chart);
  const time = (x) => from + ((x - chart.left) / chart.width) * (to - from);
  assert.deepEqual([time(150), time(350)], [at(2), at(4)]);
});
