import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { connectLoading } from "../../dashboard/assets/shell/navigate.mjs";

/** As much of a document as is asked, at an address, with what its reader sees and hears of a page on its way. */
function opened(address) {
  const element = () => ({ textContent: "", attributes: {}, setAttribute(name, value) { this.attributes[name] = value; } });
  const elements = { content: element(), loading: element() };
  let [marked, look] = [false, () => {}];
  const MutationObserver = class {
    constructor(seen) { look = seen; }
    observe() {}
  };
  const dataset = { page: address.split("/")[1] };
  const document = { documentElement: { dataset }, getElementById: (id) => elements[id] };
  Object.assign(globalThis, { document, location: { pathname: address, search: "" }, MutationObserver });
  connectLoading({ querySelector: () => (marked ? {} : null) });
  return {
    go(to) {
      globalThis.location.pathname = to;
      dataset.page = to.split("/")[1] || "live";
    },
    mark(is) {
      marked = is;
      look();
    },
    said: () => [elements.loading.textContent, elements.content.attributes["aria-busy"]],
  };
}

/** A document whose first page is there, and the time of which passes by hand. */
function shown(t, address) {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const open = opened(address);
  open.mark(true);
  open.mark(false);
  return open;
}

test("a page that comes within 300 ms has no sign", (t) => {
  const open = shown(t, "/orders");
  open.go("/health");
  open.mark(true);
  mock.timers.tick(299);
  assert.deepEqual(open.said(), ["", "false"]);
  open.mark(false);
  mock.timers.tick(1_000);
  assert.deepEqual(open.said(), ["", "false"]);
});

test("a page that takes longer has a sign until it is there", (t) => {
  const open = shown(t, "/orders");
  open.go("/health");
  open.mark(true);
  mock.timers.tick(300);
  assert.deepEqual(open.said(), ["Loading …", "true"]);
  open.mark(false);
  assert.deepEqual(open.said(), ["", "false"]);
});

test("a page that is only written anew has none, and neither has Live, which is there already", (t) => {
  const open = shown(t, "/health");
  for (const to of ["/health", "/"]) {
    open.go(to);
    open.mark(true);
    mock.timers.tick(5_000);
    assert.deepEqual(open.said(), ["", "false"]);
    open.mark(false);
  }
});
