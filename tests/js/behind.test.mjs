import assert from "node:assert/strict";
import { test } from "node:test";
import { choiceOf } from "../../dashboard/assets/accounts/rows.mjs";
import { behind, changesFigure, scopeOf, statusFigure, waitingFigure } from "../../dashboard/assets/shell/behind.mjs";
import { at } from "./world.mjs";

const ALL = { list: "all", kind: "", filter: "" };

test("a figure of the board names whose accounts, what and when, and its address is that of the page Accounts", () => {
  const address = behind(statusFigure("board/7", "W", at(1)), at(2));
  assert.equal(address, "/accounts?figure=board/7/status/W/2021-02-01T13:00:00.000Z&at=2021-02-01T14:00:00.000Z&whom=all");
  const choice = choiceOf(new URL(address, "http://here").search);
  assert.equal(choice.figure, "board/7/status/W/2021-02-01T13:00:00.000Z");
  assert.equal(choice.whom, "all");
});

test("what stands in a filter reaches the page as it was written", () => {
  const name = waitingFigure(`board/${scopeOf({ list: "7", kind: "", filter: "a&b=c d%" }, at(0))}`, "late", at(1));
  assert.equal(choiceOf(new URL(behind(name, at(1)), "http://here").search).figure, name);
});

test("list and filter say whose accounts are counted", () => {
  assert.equal(scopeOf(ALL, at(0)), "all");
  assert.equal(scopeOf({ list: "7", kind: "", filter: "news" }, at(0)), "7~news");
  assert.equal(scopeOf({ list: "changed", kind: "", filter: "" }, at(0)), "changed@2021-02-01T12:00:00.000Z");
  assert.equal(changesFigure("board/all", "block", [at(0), at(1)]), "board/all/changes/block/2021-02-01T12:00:00.000Z/2021-02-01T13:00:00.000Z");
});
