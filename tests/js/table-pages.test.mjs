import assert from "node:assert/strict";
import { test } from "node:test";

import { pageAt, ROWS } from "../../dashboard/assets/shell/table-pages.mjs";

test("a page holds so many rows, and every row is on exactly one", () => {
  for (const count of [1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS, 200]) {
    const seen = [];
    for (let first = 0; first < count; first += ROWS) {
      const [from, until] = pageAt(first, count);
      for (let n = from; n < until; n++) seen.push(n);
    }
    assert.deepEqual(seen, [...Array(count).keys()]);
  }
});

test("a row that is no more leads to the last page, and none before the first", () => {
  assert.deepEqual(pageAt(999, ROWS + 1), [ROWS, ROWS + 1]);
  assert.deepEqual(pageAt(-ROWS, ROWS + 1), [0, ROWS]);
  assert.deepEqual(pageAt(0, 0), [0, 0]);
});
