// What the page says of quiet accounts, which it knows only as groups where very many accounts are watched. Pure.

import { counted, postsIn, sizeOf } from "../board/posts.mjs";
import { escaped } from "../shell/dom.mjs";
import { dayYear } from "../shell/time.mjs";
import { ofKind } from "./listing.mjs";

/**
 * The accounts that list and kind leave and that have no lane: how many, in words, and where they are found. Null for none.
 * @param {LiveState} state @param {Pick<View, "list" | "kind" | "filter">} view
 */
export function quietWords(state, view) {
  if (!state.isGrouped || view.list === "changed") return null;
  const quiet = ofKind(state, view).filter((a) => a.isQuiet);
  const n = sizeOf(quiet);
  if (n === 0) return null;
  const [many, since] = [counted(n, postsIn(quiet)), dayYear(state.from)];
  const asked = new URLSearchParams(Object.entries({ q: view.filter, list: view.list === "all" ? "" : view.list, kind: view.kind }).filter(([, value]) => value));
  const href = `/accounts${asked.size ? `?${asked}` : ""}`;
  if (view.filter) return { words: `This filter does not search the ${many} without a change since ${since}.`, href, leads: "Search all accounts" };
  return { words: `${many} without a change since ${since} ${n === 1 ? "has" : "have"} no lane here.`, href, leads: "List all accounts" };
}

/** The same as HTML; empty for none. @param {ReturnType<typeof quietWords>} said */
export const quietHtml = (said) => (said ? `${escaped(said.words)} <a class="under" href="${escaped(said.href)}">${said.leads}</a>` : "");
