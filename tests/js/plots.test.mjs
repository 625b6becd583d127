import assert from "node:assert/strict";
import { test } from "node:test";
import { leadsTo, topLeadsTo } from "../../dashboard/assets/shell/plots.mjs";

const meta = { figure: "order/1/line/blocked", at: "2021-02-05T12:00:00Z" };
/** @param {string | null} href */
const figureIn = (href) => new URL(href ?? "", "http://here").searchParams.get("figure");

for (const [what, point, figure] of /** @type {[string, PlotPoint, string][]} */ ([
  ["a time on an axis of time, which is in UTC", { x: "2021-02-01 06:45", curveNumber: 4, data: { meta } }, "2021-02-01T06:45:00.000Z"],
  ["a day on an axis of days", { x: 1.5, curveNumber: 4, data: { meta: { ...meta, since: "2021-01-30T12:00:00Z" } } }, "2021-02-01T00:00:00.000Z"],
  ["a point that rounding put past what is known", { x: "2021-02-05 12:00:00.4", curveNumber: 4, data: { meta } }, "2021-02-05T12:00:00.000Z"],
])) {
  test(`${what} leads to the accounts of that moment, by what is known when the figure was drawn`, () => {
    const href = leadsTo(point);
    assert.equal(figureIn(href), `order/1/line/blocked/${figure}`);
    assert.equal(new URL(href ?? "", "http://here").searchParams.get("at"), "2021-02-05T12:00:00.000Z");
  });
}

test("a point with an address of its own leads there, and one of a trace that counts nobody nowhere", () => {
  assert.equal(leadsTo({ id: "/account/7", x: 3, curveNumber: 0, data: {} }), "/account/7");
  assert.equal(leadsTo({ id: "/account/7 12", x: 3, curveNumber: 0, data: {} }), "/account/7");
  assert.equal(leadsTo({ x: "2021-02-01", curveNumber: 0, data: {} }), null);
  assert.equal(leadsTo({ x: "no time", curveNumber: 4, data: { meta } }), null);
});

test("where lines lie on each other, a press leads to what the one above counts", () => {
  const at = "2021-02-01 06:45";
  /** @param {number} curveNumber @param {PlotLead} [lead] */
  const point = (curveNumber, lead) => ({ x: at, curveNumber, data: lead ? { meta: lead } : {} });
  const withheld = { ...meta, figure: "order/1/line/withheld" };
  assert.equal(figureIn(topLeadsTo([point(6, meta), point(7), point(4, withheld)])), "order/1/line/blocked/2021-02-01T06:45:00.000Z");
  assert.equal(topLeadsTo([point(0), point(1)]), null);
});
