import assert from "node:assert/strict";
import { test } from "node:test";

import { addPast, behindWords, choiceOf, decode, facets, isFiltered, listingOf, searchOf, sortsOf } from "../../dashboard/assets/accounts/rows.mjs";
import { pieces, spark, words } from "../../dashboard/assets/accounts/spark.mjs";
import { covered, knownUntil } from "../../dashboard/assets/board/state.mjs";

const H = 3_600_000;
const NOW = 1_000 * H;

const CHOICES = {
  total: 3, posts: 0, late: 1, platforms: [["x", 2], ["bluesky", 1]], countries: [["IN", 1], ["TR", 1]], tags: [["press", 1]],
  lists: [{ id: 1, name: "Press", n: 1 }, { id: 2, name: "Farm", n: 2 }, { id: 3, name: "Empty", n: 0 }], orders: [{ id: 9, title: "Order 1", reference: "S/1", list: 2 }], behind: null,
};
const BODY = {
  now: NOW, late_after: H, gap_after: 2 * H, ids: [4, 5, 6], shown: 3, listing: "abc",
  groups: [[NOW - H / 2, []], [NOW - 5 * H, []], [null, []]],
  accounts: { id: [4, 5, 6], platform: ["x", "bluesky", "x"], native: ["11", "did:plc:z", "12"], handle: ["Zed_10", "zed_9", "amy"], post: [0, 0, 0], watched: [1, 1, 0], lists: [[1, 2], [], [2]], tags: [[0], [], []], group: [0, 1, 2] },
  spells: { account: [4, 5], s: ["W", "S"], w: [1, 2], c: [1, 0], onset: [NOW - 100 * H, null], from: [NOW - 99 * H, NOW - 300 * H], to: [null, null] },
  provisional: { account: [5], s: ["A"], w: [0], old: [NOW - 6 * H], seen: [NOW - 5 * H] },
  words: ["available", "withheld in India (IN)", "suspended"], tags: ["press"], countries: ["", "IN TR"],
};
/** Some minutes older than the rows: there account 4 was not withheld yet. */
const PAST = {
  now: NOW - H, from: NOW - 720 * H, groups: [[NOW - H, [[NOW - 50 * H, NOW - 40 * H]]], [NOW - 6 * H, []], [NOW - 200 * H, []]],
  accounts: { id: [4, 5, 6, 7], group: [0, 1, 2, 0] },
  spells: { account: [4, 5, 6], s: ["A", "S", "A"], w: [0, 1, 0], c: [0, 0, 0], onset: [null, null, null], from: [NOW - 900 * H, NOW - 300 * H, NOW - 600 * H], to: [null, null, NOW - 300 * H] },
  words: ["available", "suspended"], countries: [""],
};
const state = decode(BODY, CHOICES);
const early = decode(BODY, CHOICES);
addPast(state.rows, PAST);
const [withheld, suspended, onFile] = state.rows;

test("a row holds what its line shows; its state is the spell that has no end", () => {
  assert.equal(withheld.now.w, "withheld in India (IN)");
  assert.deepEqual(withheld.countries, ["IN", "TR"]);
  assert.deepEqual(withheld.orders.map((o) => o.title), ["Order 1"]);
  assert.deepEqual(withheld.tags, ["press"]);
  assert.equal(onFile.now, null);
});

test("a watched account without a recent reading is late; one that is only stored is not", () => {
  assert.deepEqual(state.rows.map((row) => row.late), [false, true, false]);
});

test("the account that went since the listing was made keeps its place", () => {
  const { rows } = decode({ ...BODY, ids: [6, 7, 4] }, CHOICES);
  assert.deepEqual(rows.map((row) => [row.id, row.gone]), [[6, false], [7, true], [4, false]]);
});

test("the server is asked for all that is chosen, whose order included, and not for what is selected", () => {
  const asked = listingOf(choiceOf("?q=a+b&late=1&whom=all&sort=handle&selected=4-7&status=nonsense"), "since:desc");
  assert.equal(String(asked), "q=a+b&late=1&whom=all&sort=since%3Adesc");
});

test("an address says every choice, and leads back to it", () => {
  const choice = { ...choiceOf(""), q: "a b", status: "withheld", list: "2", late: true, repeatedly_blocked: true, whom: "all", sort: "since:desc,handle", selected: new Set([7, 4, 5, 6, 12]) };
  const search = searchOf(choice);
  assert.equal(search, "?q=a+b&status=withheld&list=2&late=1&repeatedly_blocked=1&whom=all&sort=since:desc,handle&selected=4-7,12");
  assert.deepEqual(choiceOf(search), choice);
  assert.equal(searchOf(choiceOf("")), "");
});

test("a selection that no address can hold is left out of it; all that is shown is one word", () => {
  const odd = new Set(Array.from({ length: 5000 }, (_, i) => 2 * i + 1));
  assert.equal(searchOf({ ...choiceOf(""), selected: odd }), "");
  assert.equal(searchOf({ ...choiceOf(""), selected: "all" }), "?selected=all");
});

test("what somebody typed into an address is no selection", () => {
  assert.deepEqual(choiceOf("?selected=x,3,-5,9-").selected, new Set([3]));
  assert.equal(choiceOf("?selected=1-999999999999999").selected.size, 50_001);
});

test("only what leaves somebody out is a filter", () => {
  assert.ok(!isFiltered(choiceOf("?sort=handle&whom=all&selected=4&q=+")));
  assert.ok(isFiltered(choiceOf("?late=1")));
  assert.ok(isFiltered(choiceOf("?repeatedly_blocked=1")));
});

test("the values to choose from are counted, and what no account has is no choice", () => {
  const found = facets(CHOICES);
  assert.deepEqual([...found.list], [["1", 1], ["2", 2]]);
  assert.deepEqual([...found.order], [["9", 2]]);
  assert.deepEqual([...found.country], [["IN", 1], ["TR", 1]]);
  assert.deepEqual([...found.kind], [], "without posts there is nothing to choose");
  assert.deepEqual([...facets({ ...CHOICES, posts: 1 }).kind], [["accounts", 2], ["posts", 1]]);
});

test("only columns that can be sorted are taken from an address", () => {
  assert.deepEqual(sortsOf("since:desc,constructor2,handle"), [["since", "desc"], ["handle", "asc"]]);
  assert.deepEqual(sortsOf("__proto__,toString"), []);
});

test("before the past has come nothing is drawn of it", () => {
  addPast(early.rows.slice(1), PAST);
  assert.deepEqual(pieces(early, early.rows[0]), []);
  assert.notDeepEqual(pieces(early, early.rows[1]), [], "of those that were asked for it is");
  assert.equal(words(early.rows[0]), "Loading the last 30 days");
});

test("what the rows say of now holds against a past that is older", () => {
  assert.deepEqual(withheld.spells.map((s) => [s.s, s.to]), [["A", null], ["W", null]]);
  assert.deepEqual([withheld.last, suspended.last, onFile.last], [NOW - H / 2, NOW - 5 * H, NOW - 200 * H]);
});

test("nothing is drawn where nobody looked", () => {
  assert.deepEqual(covered(withheld, NOW - 60 * H, NOW), [[NOW - 60 * H, NOW - 50 * H], [NOW - 40 * H, NOW]]);
  assert.deepEqual(pieces(state, { ...onFile, last: null }), []);
  assert.equal(words({ ...onFile, last: null }), "No reading in these 30 days");
});

test("a spell ends with the last reading when readings stay away", () => {
  assert.equal(knownUntil(state, withheld), NOW);
  assert.equal(knownUntil(state, suspended), NOW - 5 * H);
});

test("between two readings that differ is a window, and what is provisional is hollow", () => {
  assert.deepEqual(pieces(state, withheld).map(({ kind, s, from, to }) => [kind, s, (NOW - from) / H, (NOW - to) / H]), [
    ["window", "W", 100, 99], ["spell", "A", 720, 100], ["spell", "W", 99, 50], ["spell", "W", 40, 0],
  ]);
  assert.deepEqual(pieces(state, suspended).map(({ kind, s, from, to }) => [kind, s, (NOW - from) / H, (NOW - to) / H]), [
    ["window", "A", 6, 5], ["spell", "S", 300, 6], ["provisional", "A", 5, 5],
  ]);
});

test("the picture is said in words, gaps included", () => {
  assert.match(words(withheld), /^30 days: Available, then withheld in India \(IN\) from .+; one gap without readings$/);
  assert.match(spark(state, suspended), /^<svg class="spark".*sp-open sp-A.*<\/svg>$/);
});

test("the accounts of a figure that the table does not have are counted", () => {
  const behind = { of: "", words: "3 accounts of order S/1 (restored)", n: 3 };
  const choice = choiceOf("?figure=order/9/part/restored&at=2021-02-01T12:00:00Z&whom=all");
  assert.equal(behindWords(behind, { shown: 2, posts: 0 }, "1 Feb 2021, 12:00 UTC"), "3 accounts of order S/1 (restored), as known 1 Feb 2021, 12:00 UTC. The rows show them as they are now. Not in this table: 1 of them.");
  assert.equal(isFiltered(choice), true);
  assert.equal(searchOf(choice), "?figure=order/9/part/restored&at=2021-02-01T12:00:00Z&whom=all");
});
