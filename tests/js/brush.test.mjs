import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "../../dashboard/assets/board/state.mjs";
import { flows, stripOf } from "../../dashboard/assets/live/brush.mjs";
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
