import assert from "node:assert/strict";
import { test } from "node:test";

import { plain } from "../../dashboard/assets/shell/checklists.mjs";

/** As much of an element as is asked. */
const element = (attributes, inside = []) => ({
  attributes,
  querySelectorAll: () => inside,
  getAttribute: (name) => attributes[name] ?? null,
  removeAttribute: (name) => delete attributes[name],
});

test("a list of options with inputs in them has no role of its own, nor have its options", () => {
  const ticked = element({ role: "option", "aria-selected": "true", for: "a" });
  const again = element({ "aria-selected": "false" });
  const list = element({ role: "listbox", id: "kinds" }, [ticked, again]);
  plain(list);
  assert.deepEqual([list.attributes, ticked.attributes, again.attributes], [{ id: "kinds" }, { for: "a" }, {}]);
});
