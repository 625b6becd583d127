import assert from "node:assert/strict";
import { test } from "node:test";

import { countAt, members } from "../../dashboard/assets/board/counts.mjs";
import { figuresOf } from "../../dashboard/assets/board/kpis.mjs";
import { sizeOf } from "../../dashboard/assets/board/posts.mjs";
import { groups } from "../../dashboard/assets/board/shares.mjs";
import { apply, decode } from "../../dashboard/assets/board/state.mjs";
import { listOf } from "../../dashboard/assets/live/listing.mjs";
import { quietHtml, quietWords } from "../../dashboard/assets/live/quiet.mjs";
import { at, change, changes, snapshot, spell, spells, WORDS } from "./world.mjs";

/** Beside the three accounts: 1,000 quiet ones of the list, 40 of which were silent for long, and 7 of no list. */
const grouped = (more = {}) =>
  snapshot({
    coverage: { groups: [[at(10), []], [at(9.5), [[at(4), at(7)]]]], rosters: { 9: [0, 1, 2] } },
    quiet: {
      platform: ["x", "x", "x"], post: [0, 0, 1], lists: [[1], [1], []], s: ["A", "A", null], w: [0, 0, null], from: [at(0), at(0), null],
      group: [0, 1, 0], n: [960, 40, 7],
    },
    renew: 60_000, ...more,
  });

/** @param {number} id */
const joins = (id, more = {}) => ({
  now: at(10), since: 5, id: 6, read_from: at(10), words: WORDS,
  accounts: { id: [id], platform: ["x"], handle: ["dee"], post: [0], lists: [[1]] },
  changes: changes([change(31, id, "W", 9, 9.75)]), spells: spells([spell(id, "A", -100, 9.75), spell(id, "W", 9.75, null, 9)]), ...more,
});

test("a group counts as often as it has accounts", () => {
  const state = decode(grouped());
  assert.equal(sizeOf(state.accounts), 1010);
  assert.deepEqual([countAt(state, state.accounts, at(5))].map(({ A, W, U, n }) => [A, W, U, n])[0], [961, 1, 41, 1003]);
  assert.equal(sizeOf(members(state, 1)), 1003);
  const { kpis } = figuresOf(state, state.accounts);
  assert.deepEqual([kpis.watched, kpis.withheld, kpis.posts.watched], [1010, 1, 7]);
});

test("a quiet account that changes is taken out of a group, and doing it twice changes nothing", () => {
  const state = decode(grouped());
  assert.equal(apply(state, joins(77)), "ok");
  const once = JSON.stringify(state.accounts);
  assert.equal(apply(state, joins(77)), "ok");
  assert.equal(JSON.stringify(state.accounts), once);
  assert.equal(sizeOf(state.accounts), 1010);
  assert.deepEqual([countAt(state, state.accounts, at(10))].map(({ A, W, n }) => [A, W, n])[0], [1001, 2, 1003]);
  assert.equal(state.byId.get(77).handle, "dee");
});

test("where the page cannot know in which group it was, only what all of them share is shown of it", () => {
  const state = decode(grouped());
  apply(state, joins(77));
  assert.deepEqual(state.byId.get(77).gaps, [[at(4), at(7)]]);
  assert.equal(countAt(state, state.accounts, at(5)).A, 960, "961 were seen, and it may be one of them");
  assert.equal(state.byId.get(77).last, at(9.75));
});

test("an account that was in no group asks for everything again", () => {
  const none = { accounts: { id: [77], platform: ["bluesky"], handle: ["dee"], post: [0], lists: [[1]] } };
  assert.equal(apply(decode(grouped()), joins(77, none)), "reload");
});

test("a confirmed first state is no change: the next groups count it", () => {
  const state = decode(grouped());
  apply(state, joins(77, { changes: changes([change(31, 77, "A", null, 9.75, { kind: "baseline" })]), spells: spells([spell(77, "A", 9.75)]) }));
  assert.equal(state.byId.has(77), false);
  assert.equal(sizeOf(state.accounts), 1010);
});

test("readings of rosters that the page does not know are of quiet accounts", () => {
  const read = { now: at(10.5), since: 5, id: 5, read_from: at(10), reads: [[12, at(10.2), [], null], [9, at(10.3), [2], null]] };
  const state = decode(grouped());
  assert.equal(apply(state, read), "ok");
  assert.deepEqual([1, 2].map((id) => state.byId.get(id).last), [at(10.3), at(10)]);
  assert.equal(apply(decode(snapshot()), read), "reload");
});

test("bands have as many accounts as without groups, and a group may be in several", () => {
  const state = decode(grouped());
  const bands = groups(state.accounts, 10);
  assert.deepEqual(bands.map(sizeOf), Array(10).fill(101));
  assert.equal(sizeOf(bands.flat().filter((a) => a.i === 3)), 960);
});

test("the page says how many have no lane, and where they are", () => {
  const state = decode(grouped());
  const view = { list: "all", kind: "", filter: "", sort: "handle" };
  assert.match(quietHtml(quietWords(state, view)), /^1,000 accounts and 7 posts without a change since 1 Feb 2021 have no lane here\. <a class="under" href="\/accounts">/);
  assert.equal(quietWords(state, { ...view, list: "1", kind: "accounts" }).href, "/accounts?list=1&kind=accounts");
  assert.equal(quietWords(state, { ...view, list: "changed" }), null);
  assert.equal(quietWords(decode(snapshot()), view), null);
  assert.equal(sizeOf(listOf(state, view)), 1010);
});

test("a filter by handle finds those that changed, and the page says that it searches no others", () => {
  const state = decode(grouped());
  const view = { list: "1", kind: "", filter: "b&b", sort: "latest" };
  assert.deepEqual(quietWords(state, view), {
    words: "This filter does not search the 1,000 accounts without a change since 1 Feb 2021.",
    href: "/accounts?q=b%26b&list=1", leads: "Search all accounts",
  });
  assert.deepEqual(listOf(state, { ...view, filter: "bo" }).map((a) => a.handle), ["bob"]);
});
