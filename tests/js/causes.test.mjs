import assert from "node:assert/strict";
import { test } from "node:test";

import { surestCause } from "../../dashboard/assets/board/causes.mjs";
import { decode } from "../../dashboard/assets/board/state.mjs";
import { filmOf, goTo, stateOf } from "../../dashboard/assets/film/film.mjs";
import { filmed } from "./film-world.mjs";
import { at, change, changes, snapshot, spell, spells } from "./world.mjs";

const CAUSES = [[0, at(0), null], [1, at(0), null]];
const said = (more) => ({ words: ["surest", "less sure"], none: "not known", causes: CAUSES, changes: {}, accounts: {}, ...more });

test("of a block the surest of what is said of its change and of its account is shown", () => {
  const state = decode(snapshot({
    spells: spells([spell(1, "A", 0, 2), spell(1, "W", 2, 4, 1.5), spell(1, "A", 4, 6, 3.5), spell(1, "W", 6, null, 5.5)]),
    changes: changes([change(11, 1, "W", 1.5, 2), change(12, 1, "A", 3.5, 4), change(13, 1, "W", 5.5, 6)]),
  }));
  const [account] = state.accounts;
  const [first, second] = [at(3), at(7)];
  assert.equal(surestCause(said({ changes: { 11: [0] }, accounts: { 1: [1] } }), account, first, null), "surest");
  assert.equal(surestCause(said({ changes: { 11: [1] }, accounts: { 1: [0] } }), account, first, null), "surest");
  assert.equal(surestCause(said({ changes: { 11: [0], 12: [0] } }), account, second, null), "not known");
  assert.equal(surestCause(said(), account, first, null), "not known");
});

test("a cause that was corrected or withdrawn is not known now", () => {
  const film = stateOf(filmOf(filmed()));
  const over = said({ causes: [[0, at(3), at(5)], [1, at(4), null]], accounts: { 1: [0, 1] } });
  assert.equal(surestCause(over, goTo(film, at(4.5)).byId.get(1), at(4), null), "less sure");
});

for (const [rule, k, words] of [
  ["before a cause is recorded it is not known", 2.9, "not known"],
  ["from the moment at which it was recorded on it is", 3, "surest"],
  ["up to its correction", 4.9, "surest"],
  ["of which the moment counts already", 5, "less sure"],
  ["what was withdrawn is no longer known", 6, "not known"],
]) {
  test(`in the film, ${rule}`, () => {
    const film = goTo(stateOf(filmOf(filmed())), at(k), at(k));
    const told = said({ causes: [[0, at(3), at(5)], [1, at(5), at(6)]], changes: { 11: [0, 1] } });
    assert.equal(surestCause(told, film.byId.get(1), at(2.6), film.knownAt), words);
  });
}
