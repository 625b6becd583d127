import assert from "node:assert/strict";
import { test } from "node:test";

import { idsOf, rangesOf } from "../../dashboard/assets/shell/ranges.mjs";

test("numbers that follow each other are a range, and come back from the address", () => {
  assert.equal(rangesOf([9, 3, 5, 6, 7]), "3,5-7,9");
  assert.deepEqual([...idsOf("3,5-7,9")], [3, 5, 6, 7, 9]);
  assert.deepEqual([...idsOf("x,5-,4")], [4]);
});

test("what would be too long for an address is left out", () => {
  assert.equal(rangesOf(Array.from({ length: 2_000 }, (_, n) => n * 3)), "");
});
