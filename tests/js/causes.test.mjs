import assert from "node:assert/strict";
import { test } from "node:test";

import { decode } from "../../dashboard/assets/board/state.mjs";
import { surestCause } from "../../dashboard/assets/live/causes.mjs";
import { at, change, changes, snapshot, spell, spells } from "./world.mjs";

const said = (more) => ({ words: ["surest", "less sure"], none: "not known", changes: {}, accounts: {}, ...more });

test("of a block the surest of what is said of its change and of its account is shown", () => {
  const state = decode(snapshot({
    spells: spells([spell(1, "A", 0, 2), spell(1, "W", 2, 4, 1.5), spell(1, "A", 4, 6, 3.5), spell(1, "W", 6, null, 5.5)]),
    changes: changes([change(11, 1, "W", 1.5, 2), change(12, 1, "A", 3.5, 4), change(13, 1, "W", 5.5, 6)]),
  }));
  const [account] = state.accounts;
  const [first, second] = [at(3), at(7)];
  assert.equal(surestCause(said({ changes: { 11: 0 }, accounts: { 1: 1 } }), account, first), "surest");
  assert.equal(surestCause(said({ changes: { 11: 1 }, accounts: { 1: 0 } }), account, first), "surest");
  assert.equal(surestCause(said({ changes: { 11: 0, 12: 0 } }), account, second), "not known");
  assert.equal(surestCause(said(), account, first), "not known");
});
