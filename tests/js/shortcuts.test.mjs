// The keys that "?" lists, and how j and k move through rows.

import assert from "node:assert/strict";
import { test } from "node:test";
import { keysOf, rowAfter } from "../../dashboard/assets/shell/shortcuts.mjs";

test("a page lists its own keys before those of every page", () => {
  assert.equal(keysOf("replay")[0][0], "Space");
  assert.deepEqual(keysOf("orders"), keysOf(undefined));
  assert.ok(keysOf("live").some(([keys]) => keys === "?"));
});

const rows = /** @type {[number, string, number, number | null, string][]} */ ([
  [0, "j", 3, 1, "j is the next row"],
  [2, "k", 3, 1, "k is the row before"],
  [2, "j", 3, null, "the last row has no next one"],
  [0, "k", 3, null, "the first row has none before"],
  [1, "x", 3, null, "another key means nothing"],
]);
for (const [at, key, n, wanted, rule] of rows) test(rule, () => assert.equal(rowAfter(at, key, n), wanted));
