import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "../../dashboard/assets/board/state.mjs";
import { flows, flowsIn, partAt, stripOf } from "../../dashboard/assets/live/brush.mjs";
import { at, change, changes, HOUR, snapshot } from "./world.mjs";

test("the strip counts what is held and, before it, what the server counted, each change once", () => {
  const state = decode(
    snapshot({
      from: at(0), earliest: at(-100),
      before: { from: at(-4), step: 2 * HOUR, blocked: [5, 0], restored: [0, 3] },
      changes: changes([
        change(11, 1, "W", 1.5, 2), change(12, 2, "W", 3, 3.5, { outcome: null }), change(13, 3, "W", 3, 3.5, { outcome: "not_confirmed" }),
        change(14, 1, "A", 4, 4.5), change(15, 2, "W", -1, -0.5),
      ]),
    }),
  );
  const found = flows(state, { start: at(-4), step: 2 * HOUR, n: 5 });
  assert.deepEqual([...found.blocked], [5, 0, 0, 1, 0]);
  assert.deepEqual([...found.restored], [0, 3, 0, 0, 1]);
});

test("the strip shows thirty days, but nothing of the time before the first reading", () => {
  const young = decode(snapshot());
  const [from, to] = stripOf(young, [at(2), at(8)]);
  assert.ok(from >= at(-1));
  assert.ok((to - young.now) / (to - from) < 0.011, "and hardly any of the time to come");
  const old = decode(snapshot({ earliest: at(-24 * 900), from: at(0) }));
  assert.equal(stripOf(old, [at(2), at(8)])[0], at(10 - 24 * 30));
});

test("a span counts the confirmed blocks and restorations first seen from its start on and before its end", () => {
  const state = decode(snapshot({ changes: changes([change(11, 1, "W", 1, 2), change(12, 2, "W", 3, 4), change(13, 1, "A", 4, 5), change(14, 3, "W", 1, 2, { outcome: null })]) }));
  assert.deepEqual(flowsIn(state, [at(2), at(4)]), { block: 1, restoration: 0, posts: 0 });
  assert.deepEqual(flowsIn(state, [at(4), at(6)]), { block: 1, restoration: 1, posts: 0 });
});

test("a press takes the window, an end of it, or begins another one", () => {
  assert.equal(partAt(50, [20, 80], 100, false), "both");
  assert.equal(partAt(22, [20, 80], 100, false), "from");
  assert.equal(partAt(78, [20, 80], 100, false), "to");
  assert.equal(partAt(10, [20, 80], 100, false), "new", "beside the window");
  assert.equal(partAt(50, [20, 80], 100, true), "new", "with Shift");
  assert.equal(partAt(50, [1, 99], 100, false), "new", "a window that fills the strip cannot be moved in it");
});
