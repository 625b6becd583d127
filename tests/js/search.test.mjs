import assert from "node:assert/strict";
import { test } from "node:test";

import { moved, opens, options, recentOf, resultWords, withRecent } from "../../dashboard/assets/shell/search-list.mjs";

const key = (more) => ({ key: "k", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, target: { closest: () => null }, ...more });
const writing = { closest: () => ({}) };

for (const [what, event, does] of [
  ["Ctrl+K", key({ ctrlKey: true }), true],
  ["Cmd+K", key({ metaKey: true }), true],
  ["Ctrl+K with the caps lock on", key({ ctrlKey: true, key: "K" }), true],
  ["Ctrl+Shift+K, which is the browser's", key({ ctrlKey: true, shiftKey: true }), false],
  ["a k alone", key({}), false],
  ["a slash", key({ key: "/" }), true],
  ["a slash that somebody writes", key({ key: "/", target: writing }), false],
  ["Ctrl+K while somebody writes", key({ ctrlKey: true, target: writing }), true],
]) test(`${what} ${does ? "opens" : "does not open"} the search`, () => assert.equal(opens(event), does));

test("the arrows go round, Home and End to the ends once something is chosen", () => {
  assert.deepEqual(["ArrowDown", "ArrowUp", "Home", "End"].map((k) => moved(2, k, 3)), [0, 1, 0, 2]);
  assert.deepEqual(["ArrowDown", "ArrowUp", "Home", "End"].map((k) => moved(-1, k, 3)), [0, 2, null, null]);
  assert.equal(moved(0, "ArrowDown", 0), null);
  assert.equal(moved(0, "a", 3), null);
});

test("results stand in groups, and what strangers wrote is text", () => {
  const html = options([
    { kind: "account", name: "@a<b>", more: "X", href: "/account/1" }, { kind: "account", name: "@c", more: "X", href: "/account/2" }, { kind: "list", name: "L", more: "", href: '/accounts?list=1"' },
  ], "r");
  assert.equal(html.match(/role="group"/g).length, 2);
  assert.equal(html.match(/<div/g).length, html.match(/<\/div>/g).length);
  assert.match(html, /id="r2".*href="\/accounts\?list=1&quot;"/);
  assert.match(html, /@a&lt;b&gt;/);
  assert.equal(options([], "r"), "");
});

test("how many there are is said", () => {
  assert.equal(resultWords([], ""), "");
  assert.equal(resultWords([], "x"), "No results for “x”.");
  assert.equal(resultWords([1], "x"), "1 result");
  assert.equal(resultWords([1, 2], "x"), "2 results");
});

test("what was opened last comes first, once, and only a few are kept", () => {
  const hit = (n) => ({ kind: "account", name: `@${n}`, more: "", href: `/account/${n}` });
  let recent = [];
  for (const n of [1, 2, 3, 4, 5, 6, 7, 2]) recent = withRecent(recent, hit(n));
  assert.deepEqual(recent.map((one) => one.href), [2, 7, 6, 5, 4, 3].map((n) => `/account/${n}`));
  assert.ok(recent.every((one) => one.kind === "recent"));
  assert.deepEqual(recentOf(JSON.stringify(recent)), recent);
});

test("what somebody else wrote into the browser's memory is no result", () => {
  for (const text of [null, "", "{", "1", '[{"href":"//evil"}]', '[{"name":"a","more":"","href":"javascript:1"}]', "[null]"]) assert.deepEqual(recentOf(text), []);
});
