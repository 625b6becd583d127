import assert from "node:assert/strict";
import { test } from "node:test";
import { setZone } from "../../dashboard/assets/shell/time.mjs";
import { momentWords, showTime } from "../../dashboard/assets/shell/times.mjs";

process.env.TZ = "Asia/Kolkata"; // five and a half hours ahead, all year

const inZone = (zone, moment) => {
  setZone(zone);
  const said = momentWords(moment);
  setZone("utc");
  return said;
};

for (const [name, zone, moment, expected] of [
  ["a moment", "local", { at: "2021-02-01T12:00Z" }, "1 Feb 2021, 17:30 UTC+5:30"],
  ["a moment on the next day there", "local", { at: "2021-01-31T20:15Z" }, "1 Feb 2021, 01:45 UTC+5:30"],
  ["a moment to the second", "local", { at: "2021-02-01T12:00:09Z" }, "1 Feb 2021, 17:30:09 UTC+5:30"],
  ["an interval of one day", "local", { at: "2021-02-01T12:15Z", from: "2021-02-01T12:00Z" }, "1 Feb 2021, between 17:30 and 17:45 UTC+5:30"],
  ["an interval of one day of UTC lies in two there", "local", { at: "2021-02-01T19:00Z", from: "2021-02-01T18:00Z" }, "between 1 Feb 2021, 23:30 and 2 Feb 2021, 00:30 UTC+5:30"],
  ["an interval of two days of UTC lies in one there", "local", { at: "2021-02-02T01:00Z", from: "2021-02-01T23:00Z" }, "2 Feb 2021, between 04:30 and 06:30 UTC+5:30"],
  ["the day of a known moment", "local", { at: "2021-01-31T20:15Z", as: "day" }, "1 Feb 2021"],
  ["the time of day of a moment", "local", { at: "2021-01-31T20:15Z", as: "clock" }, "01:45 UTC+5:30"],
  ["a day of which no moment is known stays the day that it was", "local", { at: "2021-01-31" }, "31 Jan 2021 UTC"],
  ["in UTC a moment", "utc", { at: "2021-02-01T12:00Z" }, "1 Feb 2021, 12:00 UTC"],
  ["in UTC an interval", "utc", { at: "2021-02-01T12:15Z", from: "2021-02-01T12:00Z" }, "1 Feb 2021, between 12:00 and 12:15 UTC"],
  ["in UTC a day", "utc", { at: "2021-01-31" }, "31 Jan 2021"],
])
  test(name, () => assert.equal(inZone(zone, moment), expected));

/** As much of an element as is looked at. */
const element = (at, textContent) => ({
  attributes: { datetime: at },
  dataset: {},
  textContent,
  getAttribute(name) { return this.attributes[name]; },
  removeAttribute(name) { delete this[name]; },
});

test("an element goes to the local zone, keeps UTC in its title, and comes back as it was written", () => {
  const time = element("2021-02-01T12:00Z", "1 Feb 2021, 12:00 UTC");
  setZone("local");
  showTime(time, true);
  assert.equal(time.textContent, "1 Feb 2021, 17:30 UTC+5:30");
  assert.equal(time.title, "1 Feb 2021, 12:00 UTC");
  // The server writes another moment into the same element.
  time.attributes.datetime = "2021-02-01T13:00Z";
  time.textContent = "1 Feb 2021, 13:00 UTC";
  showTime(time, true);
  assert.equal(time.title, "1 Feb 2021, 13:00 UTC");
  setZone("utc");
  showTime(time, false);
  assert.equal(time.textContent, "1 Feb 2021, 13:00 UTC");
  assert.equal(time.title, undefined);
});
