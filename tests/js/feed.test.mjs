import assert from "node:assert/strict";
import { test } from "node:test";

import { changeGroups, days, denominator, detail, happened, mailWords, mark, reportedWords, spokenOf } from "../../dashboard/assets/board/feed.mjs";
import { decode } from "../../dashboard/assets/board/state.mjs";
import { at, change, changes, snapshot } from "./world.mjs";

const withChanges = (...rows) => decode(snapshot({ changes: changes(rows) }));

test("changes of one list to the same state become one group with the widest interval", () => {
  const state = withChanges(change(1, 1, "W", 1, 2), change(2, 2, "W", 1.5, 2), change(3, 3, "W", 1.5, 2.5));
  const [group, ...rest] = changeGroups(state);

  assert.equal(rest.length, 0);
  assert.equal(group.changes.length, 3);
  assert.deepEqual([group.old, group.seen], [at(1), at(2.5)]);
});

test("another state, another outcome or a long pause is another group", () => {
  const state = withChanges(
    change(1, 1, "W", 1, 2), change(2, 2, "S", 1.5, 2), change(3, 3, "W", 1.5, 2, { outcome: null }), change(4, 2, "W", 6, 7),
  );
  assert.equal(changeGroups(state).length, 4);
});

test("a group names the order's own number, which is not that of the watched accounts", () => {
  const state = withChanges(change(1, 1, "W", 1, 2));
  assert.deepEqual(denominator(state, 1), { of: 7, name: "Order 1", watched: 3, named: true });
  assert.equal(denominator(state, null), null);
});

test("only blocks and restorations carry the two marks, hollow while provisional", () => {
  assert.equal(mark(change(1, 1, "W", 1, 2)), "▼");
  assert.equal(mark(change(1, 1, "A", 1, 2)), "▲");
  assert.equal(mark(change(1, 1, "W", 1, 2, { outcome: null })), "▽");
  assert.equal(mark(change(1, 1, "N", 1, 2, { kind: "gone" })), "·");
  assert.equal(mark(change(1, 1, "W", 1, 2, { outcome: "not_confirmed" })), "–");
});

test("what is not certain is said", () => {
  const words = (more) => detail(changeGroups(withChanges(change(1, 1, "W", 1.5, 2, more)))[0], false);
  assert.equal(words({}), "between 13:30 and 14:00 UTC");
  assert.equal(words({ outcome: null, agreeing: 1 }), "between 13:30 and 14:00 UTC; one reading, no email yet");
  assert.match(words({ outcome: "not_confirmed", why: "went_back" }), /showed the old state again$/);
  assert.match(words({ strength: "weak" }), /weak evidence$/);
  assert.match(words({ corrects: 7 }), /corrected when more became known$/);
  assert.match(words({ corrects: 7, outcome: "not_confirmed", why: "corrected" }), /a reading that arrived late contradicts the change$/);
  const group = changeGroups(withChanges(change(1, 1, "W", 1, 2, { corrects: 7 }), change(2, 2, "W", 1, 2)))[0];
  assert.match(detail(group, false), /1 of them corrected when more became known$/);
});

test("what happened is said in the server's words, of one account and of many", () => {
  const [back, down] = [change(1, 1, "A", 1, 2), change(2, 2, "S", 1, 2)].map((c) => withChanges(c).changes.get(c.id));
  assert.equal(happened(back), "available again (before: withheld in India (IN))");
  assert.equal(happened(down), "taken down by its server");
  assert.equal(happened(down, 3), "taken down by their server");
});

test("days come newest first, count confirmed changes only, and hold outages and orders", () => {
  const state = withChanges(change(1, 1, "W", 1, 2), change(2, 2, "W", 1, 2), change(3, 3, "W", 20, 21, { outcome: null }));
  state.outages = [[at(3), at(6)]];
  const list = days(state, at(-24));

  assert.deepEqual(list.map((d) => [d.down, d.items.map((i) => i.type)]), [
    [0, ["change"]],
    [2, ["gap", "group", "order"]],
  ]);
});

const mail = (id, hours, state = "sent") => ({ id, state, n: 1, t: at(hours) });

test("a mail that tells some of the changes in a line is not said of the others", () => {
  assert.equal(reportedWords([{ mail: 1, seen: at(0) }, { mail: 1 }], [mail(1, 1)]), "email sent 13:00 UTC to 1 recipient");
  assert.equal(reportedWords([{ mail: 1, seen: at(0) }, { mail: null }, {}], [mail(1, 1)]), "1 of these: email sent 13:00 UTC to 1 recipient");
});

test("several mails about one group are said in one line, with what is not delivered", () => {
  assert.equal(mailWords([mail(1, 1)], at(0)), "email sent 13:00 UTC to 1 recipient");
  assert.equal(mailWords([mail(1, 1), mail(2, 3), mail(3, 2)], at(0)), "3 emails, last 15:00 UTC");
  assert.equal(mailWords([mail(1, 1), mail(2, 3, "dead"), mail(3, 2, "queued")], at(0)), "3 emails, last 13:00 UTC, 1 could not be delivered, 1 queued");
  assert.equal(mailWords([mail(1, 1, "queued"), mail(2, 3, "queued")], at(0)), "2 emails, 2 queued");
  assert.equal(mailWords([mail(1, 1, "merged")], at(0)), "email was merged into a later one");
  assert.equal(mailWords([mail(1, 1, "merged"), mail(2, 3)], at(0)), "2 emails, last 15:00 UTC, 1 merged into a later one");
});

test("a mail that was sent on another day than its changes were seen has its date", () => {
  assert.equal(mailWords([mail(1, 20)], at(0)), "email sent 2 Feb, 08:00 UTC to 1 recipient");
  assert.equal(mailWords([mail(1, 1), mail(2, 20)], at(0)), "2 emails, last 2 Feb, 08:00 UTC");
});

test("papers are told on the day on which they became known, with the time that they speak of", () => {
  const event = { id: 1, kind: "claim", at: at(-70), known: at(9), from: null, to: null, text: "all restored", source: "press" };
  const state = decode(snapshot({ events: [event] }));
  const told = days(state, at(-100)).flatMap((day) => day.items.filter((i) => i.type === "event").map((i) => [day.day, i.t]));

  assert.deepEqual(told, [[Date.UTC(2021, 1, 1), at(9)]]);
  assert.equal(spokenOf(event.at, event.known), "29 Jan, 14:00");
  assert.equal(spokenOf(at(8), at(9)), "");
});

test("a feed of some accounts lists their changes and the papers of their orders alone", () => {
  const orders = [1, 2].map((n) => ({ id: n, title: `Order ${n}`, list: n, named: 7, at: at(1), from: null, to: null, disputed: false, deadline: null, known: at(1) }));
  const events = [[5, 1], [6, 2], [7, null]].map(([id, order]) => ({ id, order, kind: "notice", at: at(1), from: null, to: null, text: `n${id}`, source: "s", known: at(1) }));
  const state = decode(snapshot({ orders, events, changes: changes([change(1, 1, "W", 1, 2), change(2, 2, "W", 1, 2)]) }));
  const [day] = days(state, at(0), new Set([2]));
  const kinds = day.items.map((item) => (item.type === "change" ? item.group.first.account : item.type === "order" ? item.order.title : item.event.id));
  assert.deepEqual(kinds.sort(), [2, 5, "Order 1"].sort());
  assert.equal(day.down, 1);
});

test("a group of a cohort that is not shown whole has no denominator", () => {
  const state = decode(snapshot());
  assert.equal(denominator(state, 1, new Set([1, 2])), null);
  assert.equal(denominator(state, 1, new Set([1, 2, 3])).of, 7);
});
