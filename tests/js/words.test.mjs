import assert from "node:assert/strict";
import { test } from "node:test";

import { accessWords } from "../../dashboard/assets/board/executives.mjs";
import { decode } from "../../dashboard/assets/board/state.mjs";
import { momentLines } from "../../dashboard/assets/board/tip.mjs";
import { at, change, changes, snapshot, spell, spells } from "./world.mjs";

const access = (state, time) => ({ what: "likes", where: "X", state, at: time, why: "" });

test("whether a kind of act can be seen is told with the time at which that was found", () => {
  const closed = access("not observable since June 2024", null);
  assert.equal(accessWords(closed, false), "likes on X: not observable since June 2024");
  assert.equal(accessWords(closed, true), "likes: not observable since June 2024");
  const open = access("observable since", at(2));
  assert.equal(accessWords(open, false), "likes on X: observable since 1 Feb 2021, 14:00 UTC");
  assert.equal(accessWords(open, true), "likes: observable since 1 Feb 2021");
});

test("words of the server become text in the tooltip, never HTML", () => {
  const words = ["<img src=x>", "<b>a</b>", "<script>", "<i>"];
  const state = decode(snapshot({
    words,
    spells: spells([spell(1, "A", 0, 2), spell(1, "W", 2, null, 1.5)]),
    changes: changes([change(11, 1, "W", 1.5, 2), change(12, 1, "S", 5, 6, { outcome: null })]),
  }));
  const [account] = state.accounts;
  const told = [0.5, 1.7, 3, 5.5].flatMap((hours) => momentLines(state, account, at(hours))).join("\n");
  for (const word of ["&lt;img src=x&gt;", "&lt;b&gt;a&lt;/b&gt;", "&lt;i&gt;"]) assert.ok(told.includes(word), word);
  for (const tag of ["<img", "<script", "<b>a"]) assert.ok(!told.includes(tag), tag);
});
