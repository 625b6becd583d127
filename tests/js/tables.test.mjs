import assert from "node:assert/strict";
import { test } from "node:test";

import { build } from "../../dashboard/assets/shell/tables.mjs";

/** As much of a document as a table needs. */
const document = {
  createElement: (name) => ({
    name, children: [], dataset: {}, attributes: {}, className: "",
    append(...more) { this.children.push(...more); },
    setAttribute(key, value) { this.attributes[key] = value; },
  }),
};

test("a cell is text, what stands small below it, and a link where there is one", () => {
  const table = build({
    columns: ["When", "Toward"],
    rows: [{ cells: [{ text: "<b>now</b>", small: "late" }, { text: "@ada", href: "/account/5" }], class: "no-act" }],
  }, document);
  const [head, body] = table.children;
  assert.deepEqual(head.children[0].children.map((th) => th.children[0]), ["When", "Toward"]);
  const [row] = body.children;
  assert.equal(row.className, "no-act");
  const [when, toward] = row.children;
  assert.equal(when.children[0], "<b>now</b>");
  assert.deepEqual(when.children[1].children, ["late"]);
  assert.equal(toward.dataset.label, "Toward");
  assert.equal(toward.children[0].attributes.href, "/account/5");
});

test("a cell of which there is nothing to say is marked, so that a phone leaves it out", () => {
  const cells = [{ text: "–" }, { text: "–", small: "on a list" }, { text: "reply" }];
  const table = build({ columns: ["Doubts", "Named by", "Engagement"], rows: [{ cells }] }, document);
  assert.deepEqual(table.children[1].children[0].children.map((td) => td.className), ["none", "", ""]);
});

test("a moment among words is an element of its own, and the words stay words", () => {
  const text = ["before ", { text: "1 Feb 2021, 12:00 UTC", at: "2021-02-01T12:00Z" }, { text: "an interval", at: "b", from: "a" }];
  const table = build({ columns: ["When"], rows: [{ cells: [{ text }] }] }, document);
  const [cell] = table.children[1].children[0].children;
  const [before, moment, interval] = cell.children;
  assert.equal(before, "before ");
  assert.equal(moment.name, "time");
  assert.deepEqual([moment.children, moment.attributes], [["1 Feb 2021, 12:00 UTC"], { datetime: "2021-02-01T12:00Z" }]);
  assert.deepEqual(interval.attributes, { datetime: "b", "data-from": "a" });
});
