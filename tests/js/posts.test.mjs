import assert from "node:assert/strict";
import { test } from "node:test";

import { behindWords, choiceOf, facets } from "../../dashboard/assets/accounts/rows.mjs";
import { changeGroups, days, denominator } from "../../dashboard/assets/board/feed.mjs";
import { figures, figuresOf } from "../../dashboard/assets/board/kpis.mjs";
import { byHandle, counted } from "../../dashboard/assets/board/posts.mjs";
import { decode } from "../../dashboard/assets/board/state.mjs";
import { filmOf, goTo, stateOf } from "../../dashboard/assets/film/film.mjs";
import { choicesOf, DEFAULTS, searchOf } from "../../dashboard/assets/live/address.mjs";
import { isFiltered, listOf } from "../../dashboard/assets/live/listing.mjs";
import { scopeOf } from "../../dashboard/assets/shell/behind.mjs";
import { filmed } from "./film-world.mjs";
import { at, change, changes, snapshot, spell, spells } from "./world.mjs";

const NO_POSTS = { watched: 0, blocked: 0, new_blocks: 0, restored: 0, provisional: 0, unread: 0 };

/** Ada and a post of hers are withheld; Bob's account stays; of a post of Cy's the block is provisional. */
const live = () => {
  const { accounts, ...rest } = snapshot();
  return decode({
    ...rest, lists: [{ id: 1, name: "Order 1 list", size: 4, posts: 2 }],
    accounts: { ...accounts, id: [1, 2, 3, 4], platform: ["x", "x", "x", "x"], handle: ["ada", "ada_b", "ada/7", "cy/8"], post: [0, 0, 1, 1], lists: [[1], [1], [1], [1]], group: [0, 0, 0, 0] },
    spells: spells([spell(1, "W", 2), spell(2, "A", 0), spell(3, "W", 2), spell(4, "A", 0)]),
    changes: changes([change(11, 1, "W", 1.5, 2), change(12, 3, "W", 1.5, 2), change(13, 4, "W", 9, 9.5, { outcome: null })]),
  });
};
const shown = (more) => listOf(live(), { ...DEFAULTS, sort: "handle", ...more }).map((a) => a.handle);

for (const [n, posts, words] of [
  [34, 0, "34 accounts"], [1, 0, "1 account"], [5, 5, "5 posts"], [39, 5, "34 accounts and 5 posts"], [2, 1, "1 account and 1 post"], [0, 0, "0 accounts"],
]) test(`${n} with ${posts} posts are called ${words}`, () => assert.equal(counted(n, posts), words));

test("each figure counts accounts and posts, and says how many posts are in it", () => {
  const state = live();
  const some = figuresOf(state, state.accounts);
  assert.deepEqual(some.kpis.posts, { watched: 2, blocked: 1, new_blocks: 1, restored: 0, provisional: 1, unread: 0 });
  const said = figures({ ...some, lastRead: state.now });
  assert.deepEqual([said.blocked[0], said.blocked[3]], ["2", "1 post among them"]);
  assert.deepEqual([said.new[0], said.new[3]], ["2", "1 of posts"]);
  assert.deepEqual([said.provisional[0], said.provisional[3]], ["1", "of a post"]);
  assert.equal(said.unread[1], "0 of the 2 accounts and 2 posts");
});

test("of posts alone no figure says that they are posts", () => {
  const state = live();
  const some = figuresOf(state, state.accounts.filter((a) => a.post));
  const said = figures({ ...some, lastRead: state.now });
  assert.deepEqual([said.blocked[0], said.blocked[3], said.unread[1]], ["1", "", "0 of 2 posts"]);
});

test("the totals of a day say how many are of posts", () => {
  const [day] = days(live(), at(0));
  assert.deepEqual([day.down, day.posts], [2, 1]);
});

test("where no post is watched nothing is said of posts", () => {
  const state = decode(snapshot());
  const some = figuresOf(state, state.accounts);
  assert.deepEqual(some.kpis.posts, NO_POSTS);
  const said = figures({ ...some, lastRead: state.now });
  assert.deepEqual(Object.values(said).map(([, , , posts]) => posts), ["", "", "", "", "", ""]);
  assert.match(said.unread[1], /of 3 accounts$/);
});

test("the film counts the posts of a moment, and leaves them out of how far an order was followed", () => {
  const { accounts, ...rest } = filmed();
  const film = stateOf(filmOf({ ...rest, accounts: { ...accounts, handle: ["ada", "ada/7", "cy", "dee", "gone"], post: [0, 1, 0, 0, 0] } }));
  const then = goTo(film, at(11));
  assert.deepEqual(then.kpis.posts, { watched: 1, blocked: 1, new_blocks: 1, restored: 0, provisional: 0, unread: 0 });
  assert.deepEqual([then.kpis.watched, then.kpis.suspended, then.lists[0].posts], [3, 1, 1]);
  assert.deepEqual([then.compliance[0].onList, then.compliance[0].posts], [2, 1]);
});

test("accounts and posts are never in one group of changes, and an order's number is of its accounts", () => {
  const state = live();
  const groups = changeGroups(state);
  assert.deepEqual(groups.map((g) => g.changes.map((c) => c.account)), [[1], [3], [4]]);
  assert.equal(denominator(state, 1, null, true), null);
  assert.equal(denominator(state, 1).watched, 2);
  assert.equal(denominator(state, 1, new Set([1, 2])).of, 7, "posts that are not shown lack in no group of accounts");
});

test("posts stand after their author, also before an account whose handle goes on with _", () => {
  assert.deepEqual(shown({}), ["ada", "ada/7", "ada_b", "cy/8"]);
  const rows = [["ada_b", false], ["ada/10", true], ["ada", false], ["ada/9", true]].map(([handle, post]) => ({ handle, post }));
  const byNumber = byHandle((a, b) => a.localeCompare(b, "en", { numeric: true }));
  assert.deepEqual(rows.toSorted(byNumber).map((r) => r.handle), ["ada", "ada/9", "ada/10", "ada_b"]);
  assert.equal(byHandle((a, b) => a.localeCompare(b))(rows[0], rows[0]), 0);
});

for (const [kind, handles] of [["accounts", ["ada", "ada_b"]], ["posts", ["ada/7", "cy/8"]]]) {
  test(`the Live page can show ${kind} only`, () => {
    const view = choicesOf(`?kind=${kind}&sort=handle`);
    assert.ok(isFiltered(view));
    assert.deepEqual(shown({ kind: view.kind }), handles);
    assert.equal(searchOf(view), `?kind=${kind}&sort=handle`);
    assert.equal(scopeOf({ ...view, list: "7", filter: "ad" }, at(0)), `7*${kind}~ad`);
  });
}

test("what is no kind is no filter", () => {
  assert.equal(choicesOf("?kind=videos").kind, "");
  assert.equal(choiceOf("?kind=videos").kind, "");
});

test("accounts only or posts only is offered in the table if there are posts", () => {
  const choices = { total: 3, posts: 1, late: 0, platforms: [], countries: [], tags: [], lists: [], orders: [], behind: null };
  assert.deepEqual([...facets(choices).kind], [["accounts", 2], ["posts", 1]]);
  assert.equal(facets({ ...choices, posts: 0 }).kind.size, 0);
});

for (const [n, posts, words, said] of [
  [2, 1, "2 accounts of a list", "2 accounts of a list, as known then. 1 post among them. The rows show them as they are now."],
  [1, 1, "1 account of a list", "1 account of a list, as known then. It is a post. The rows show them as they are now."],
  [1, 1, "1 post of a list", "1 post of a list, as known then. The rows show them as they are now."],
  [2, 0, "2 accounts of a list", "2 accounts of a list, as known then. The rows show them as they are now."],
]) test(`behind a figure: ${said}`, () => assert.equal(behindWords({ of: "", words, n }, { shown: n, posts }, "then"), said));
