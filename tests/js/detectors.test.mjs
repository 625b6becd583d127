import assert from "node:assert/strict";
import { test } from "node:test";

import { collectorWords } from "../../dashboard/assets/live/kpis.mjs";
import { at } from "./world.mjs";

const words = (bad, ...worst) => collectorWords({ n: 4, bad, worst }, at(10));

test("collectors that all read are OK, and none at all is not", () => {
  assert.equal(words(0), "Collectors OK");
  assert.equal(collectorWords({ n: 0, bad: 0, worst: [] }, at(10)), "No collector yet");
});

test("the worst is shown with its time and its platform, others by their number", () => {
  assert.equal(words(1, { name: "X", state: "held", since: at(2) }), "Quarantined since 14:00 UTC (X)");
  const stopped = { name: "Mastodon at one.example", state: "stopped", since: at(-30) };
  assert.equal(words(3, stopped), "Failing since 31 Jan, 06:00 UTC (Mastodon at one.example), 2 more");
  assert.equal(words(1, { name: "Bluesky", state: "never", since: null }), "Waiting (Bluesky)");
});
