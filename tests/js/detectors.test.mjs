import assert from "node:assert/strict";
import { test } from "node:test";

import { collectorWords, issueWords } from "../../dashboard/assets/shell/collectors.mjs";
import { at } from "./world.mjs";

const words = (bad, ...worst) => collectorWords({ n: 4, bad, issues: 0, worst }, at(10));

test("collectors that all read are counted, and none at all is no good news", () => {
  assert.equal(words(0), "4 collectors read");
  assert.equal(collectorWords({ n: 1, bad: 0, issues: 0, worst: [] }, at(10)), "1 collector reads");
  assert.equal(collectorWords({ n: 0, bad: 0, issues: 0, worst: [] }, at(10)), "No platform read yet");
});

test("the worst is named with how long it gave no answer and why, others by their number", () => {
  const stopped = { name: "Bluesky", state: "stopped", since: at(9.9), answered: at(9.8), why: "connection failed" };
  assert.equal(words(1, stopped), "Bluesky: no answer for 12 min, connection failed");
  assert.equal(words(3, { ...stopped, why: "" }), "Bluesky: no answer for 12 min; 2 more not reading");
  assert.equal(words(1, { ...stopped, answered: null }), "Bluesky: no answer yet, connection failed");
  assert.equal(words(1, { name: "X", state: "held", since: at(2), answered: at(2), why: "" }), "X: answers quarantined for 8 h");
  assert.equal(words(1, { name: "Bluesky", state: "never", since: null, answered: null, why: "" }), "Bluesky: not asked yet");
});

test("beside Health stands how many issues are open, else how many collectors do not read, else nothing", () => {
  assert.deepEqual(issueWords({ n: 4, bad: 2, issues: 3, worst: [] }), [3, "3 open issues"]);
  assert.deepEqual(issueWords({ n: 4, bad: 2, issues: 1, worst: [] }), [1, "1 open issue"]);
  assert.deepEqual(issueWords({ n: 4, bad: 1, issues: 0, worst: [] }), [1, "1 collector does not read"]);
  assert.equal(issueWords({ n: 4, bad: 0, issues: 0, worst: [] }), null);
});
