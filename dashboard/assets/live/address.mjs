// What of the live page stands in its address, so that it can be given on and comes back as it is. Pure.

import { RANGES } from "../board/state.mjs";

export const SORTS = ["latest", "most", "blocked", "handle"];
/** @type {Choices} */
export const DEFAULTS = { range: "14d", span: null, list: "all", kind: "", sort: "latest", filter: "", fit: false, only: false, account: null };

/** @param {string | null} words */
const time = (words) => {
  const t = Date.parse(words ?? "");
  return Number.isFinite(t) ? t : null;
};
/** @template {string} T @param {string | null} value @param {T[]} values @param {T} otherwise */
const known = (value, values, otherwise) => values.find((one) => one === value) ?? otherwise;

/** The choices that an address (its part from the question mark on) stands for; what it does not say is as usual. @param {string} search @returns {Choices} */
export function choicesOf(search) {
  const asked = new URLSearchParams(search);
  const from = time(asked.get("from"));
  const to = time(asked.get("to"));
  const list = asked.get("list") ?? "";
  const account = asked.get("account") ?? "";
  return {
    range: known(asked.get("range"), /** @type {RangeName[]} */ (Object.keys(RANGES)), DEFAULTS.range),
    span: from !== null && (to === null || to > from) ? { from, to } : null,
    list: /^\d+$/.test(list) || list === "changed" ? list : DEFAULTS.list,
    kind: known(asked.get("kind"), /** @type {Kinds[]} */ (["accounts", "posts"]), DEFAULTS.kind),
    sort: known(asked.get("sort"), SORTS, DEFAULTS.sort),
    filter: (asked.get("q") ?? "").trim().replace(/^@/, "").toLowerCase(),
    fit: asked.get("lanes") === "all",
    only: asked.get("rows") === "lanes",
    account: /^\d+$/.test(account) ? Number(account) : null,
  };
}

/** The address of these choices, from the question mark on; empty when all is as usual. @param {Choices} view */
export function searchOf(view) {
  const out = new URLSearchParams();
  /** @param {string} name @param {string | number | null} value @param {string | number | null} usual */
  const say = (name, value, usual) => value !== usual && out.set(name, String(value));
  say("range", view.range, DEFAULTS.range);
  if (view.span) out.set("from", new Date(view.span.from).toISOString());
  if (view.span && view.span.to !== null) out.set("to", new Date(view.span.to).toISOString());
  say("list", view.list, DEFAULTS.list);
  say("kind", view.kind, DEFAULTS.kind);
  say("sort", view.sort, DEFAULTS.sort);
  say("q", view.filter, DEFAULTS.filter);
  if (view.fit) out.set("lanes", "all");
  if (view.only) out.set("rows", "lanes");
  say("account", view.account, null);
  const search = out.toString().replaceAll("%3A", ":");
  return search && `?${search}`;
}
