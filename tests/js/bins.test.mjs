import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { binsOf, perBin } from "../../dashboard/assets/board/bins.mjs";

/** The rows that the bins of stories are tested with as well. */
const ROWS = JSON.parse(readFileSync(new URL("../fixtures/time_bins.json", import.meta.url), "utf8"));

for (const { rule, from, to, start, step_s, n, words } of ROWS) {
  test(rule, () => {
    const bins = binsOf([Date.parse(from), Date.parse(to)]);
    assert.deepEqual(bins, { start: Date.parse(start), step: 1000 * step_s, n });
    assert.equal(perBin(bins.step), words);
  });
}
