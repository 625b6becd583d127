// The table of accounts: AG Grid with cells of our own. What is in it is decided in rows.mjs.

import { capital } from "../board/state.mjs";
import { gridTheme } from "../shell/grid-script.mjs";
import { navigate } from "../shell/navigate.mjs";
import { PLATFORMS } from "../shell/platforms.mjs";
import { between, clock, dayYear, duration, zoneName } from "../shell/time.mjs";
import { COMPARE, sortsOf } from "./rows.mjs";
import { spark, words } from "./spark.mjs";

const DEFAULT_SORT = "since:desc";
const NARROW = 760;

/** The library, once Dash's component has handed it on: see dashboard/ui/ag_grid.py. */
export const library = /** @type {Promise<any>} */ (new Promise((resolve) => {
  globalThis.dashAgGridFunctions = {
    ...globalThis.dashAgGridFunctions,
    blocklineTakeGrid: (agGrid) => {
      resolve(agGrid);
      return agGrid.themeQuartz;
    },
  };
}));

/**
 * An element with its text or children: text of strangers never becomes markup.
 * @param {string} name @param {string} className @param {...(Node | string | null)} children
 */
function make(name, className, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children.flatMap((child) => child || []));
  return element;
}

/** @param {string} letter */
function icon(letter) {
  const holder = document.createElement("span");
  holder.innerHTML = `<svg class="i" aria-hidden="true"><use href="#i-${letter}"/></svg>`;
  return holder.firstChild;
}

/** @param {string} href @param {string} text */
function link(href, text) {
  const a = make("a", "", text);
  a.setAttribute("href", href);
  return a;
}

/** @param {AccountRow} row */
function statusLine(row) {
  const words = row.now ? capital(row.now.w) : "Nothing confirmed yet";
  const line = make("span", "ac-state", icon(row.now?.s ?? "U"), make("span", "ac-word", words));
  line.title = words;
  return line;
}

/** @param {AccountRow} row */
const since = (row) => (row.now ? between(row.now.onset, row.now.from) : "–");

/** When it was last read, and what that means. @param {AccountsState} state @param {AccountRow} row */
function lastRead(state, row) {
  if (row.last === null) return ["No reading", `in the last ${row.from === null ? "24 hours" : "30 days"}`];
  const ago = state.now - row.last;
  return [ago < 86_400_000 ? `${clock(row.last)} ${zoneName(row.last)}` : dayYear(row.last), `${duration(ago)} ago`];
}

/**
 * By column: heading, width, and what a cell shows of a row.
 * @type {Record<string, [heading: string, width: number, show: (row: AccountRow, state: AccountsState, narrow: boolean) => (Node | string | null)[]]>}
 */
const COLUMNS = {
  handle: ["Account", 190, (row, _state, narrow) => [link(`/account/${row.id}`, `@${row.handle}`), narrow ? statusLine(row) : make("small", "", `${PLATFORMS[row.platform]?.name ?? row.platform} · ${row.native}`)]],
  status: ["Status", 190, (row) => [
    statusLine(row),
    row.pending ? make("small", "ac-open", `${capital(row.pending.w)}? provisional`) : row.late && row.now ? make("small", "", "last known") : null,
  ]],
  since: ["Since", 186, (row) => [make("span", "ac-wrap", since(row))]],
  spark: ["Last 30 days", 154, (row, state) => {
    const holder = make("span", "");
    holder.innerHTML = spark(state, row);
    return [holder.firstChild, make("span", "hidden", words(row))];
  }],
  last: ["Last reading", 150, (row, state) => {
    const [at, ago] = lastRead(state, row);
    return [make("span", "", at), make("small", row.late ? "ac-late" : "", row.late ? icon("warn") : null, row.late ? `late, ${ago}` : ago)];
  }],
  countries: ["Countries", 92, (row) => [row.countries.includes("XX") ? "all" : row.countries.join(", ")]],
  lists: ["Lists", 112, (row) => [make("span", "ac-wrap", row.lists.map((l) => l.name).join(", "))]],
  orders: ["Orders", 92, (row) => row.orders.map((o) => link(`/orders/${o.id}`, o.title))],
  tags: ["Tags", 100, (row) => [make("span", "ac-tags", ...row.tags.map((t) => make("span", "chip", t)))]],
  watched: ["Watch", 86, (row) => [row.watched ? "Watched" : "Stored"]],
};

/** @param {Held} held */
function columnDefs(held) {
  return Object.entries(COLUMNS).map(([id, [headerName, width, show]]) => ({
    colId: id,
    headerName,
    width,
    minWidth: id === "since" || id === "status" ? width : 80,
    sortable: id in COMPARE,
    sortingOrder: ["asc", "desc"],
    comparator: id in COMPARE ? (/** @type {unknown} */ _a, /** @type {unknown} */ _b, /** @type {GridNode} */ one, /** @type {GridNode} */ other, /** @type {boolean} */ isDescending) => COMPARE[id](one.data, other.data, isDescending ? -1 : 1) : undefined,
    valueGetter: (/** @type {GridNode} */ { data }) => data.id, // cells are drawn from the row; without a value the grid would skip them
    equals: () => false,
    suppressHeaderMenuButton: true,
    hide: id === "status" && innerWidth <= NARROW, // it stands below the handle there
    pinned: id === "handle" && innerWidth > NARROW ? "left" : null,
    flex: id === "since" || id === "status" ? 1 : undefined,
    cellClass: `ac-${id}`,
    cellRenderer: (/** @type {GridNode} */ { data }) => make("div", "ac-cell", ...show(data, held.state, innerWidth <= NARROW)),
  }));
}

/**
 * Make the grid in `place`. `held` is {state, passes}, read at each drawing; `on` is {sorted(text), selected(ids), shown(n), seen(rows on the screen)}.
 * @param {any} agGrid @param {HTMLElement} place @param {Held} held @param {Choice} choice @param {{ sorted(sort: string): void, selected(ids: number[]): void, shown(n: number): void, seen(rows: AccountRow[]): void }} on
 */
export function makeGrid(agGrid, place, held, choice, on) {
  const shown = () => on.shown(api.getDisplayedRowCount());
  const seen = () => api.isDestroyed() || on.seen(api.getRenderedNodes().map(({ data }) => data));
  let silent = true;
  /** @type {Grid} */
  const api = agGrid.createGrid(place, {
    theme: gridTheme(agGrid),
    columnDefs: columnDefs(held),
    rowData: held.state.rows,
    getRowId: (/** @type {GridNode} */ { data }) => String(data.id),
    rowHeight: 44,
    rowSelection: { mode: "multiRow", checkboxes: true, headerCheckbox: true, selectAll: "filtered", enableClickSelection: false },
    selectionColumnDef: { pinned: innerWidth > NARROW ? "left" : null, width: 42, suppressHeaderMenuButton: true },
    isExternalFilterPresent: () => true,
    doesExternalFilterPass: (/** @type {GridNode} */ { data }) => held.passes(data),
    ensureDomOrder: true,
    enableCellTextSelection: true,
    suppressDragLeaveHidesColumns: true,
    animateRows: false,
    localeText: { noRowsToShow: "No account to show." },
    overlayNoRowsTemplate: '<span class="nothing">No account to show.</span>',
    onModelUpdated: () => queueMicrotask(shown),
    onViewportChanged: () => queueMicrotask(seen),
    onSortChanged: () => {
      if (silent) return;
      const sorted = api.getColumnState().filter((c) => c.sort).sort((a, b) => Number(a.sortIndex) - Number(b.sortIndex));
      const text = sorted.map((c) => (c.sort === "desc" ? `${c.colId}:desc` : c.colId)).join(",");
      on.sorted(text === DEFAULT_SORT ? "" : text);
    },
    onSelectionChanged: () => {
      if (!silent) on.selected(api.getSelectedNodes().map((node) => node.data.id));
    },
    onCellKeyDown: (/** @type {{ event: KeyboardEvent, data: AccountRow, column: { getColId(): string } }} */ { event, data, column }) => {
      if (event.key === "Enter" && column.getColId() !== "ag-Grid-SelectionColumn") navigate(`/account/${data.id}`);
    },
  });
  arrange(api, choice);
  silent = false;
  return {
    api,
    arrange: (/** @type {Choice} */ chosen) => {
      silent = true;
      arrange(api, chosen);
      silent = false;
    },
  };
}

/** Sort and select as the address says. @param {Grid} api @param {Choice} choice */
function arrange(api, choice) {
  const sorts = sortsOf(choice.sort || DEFAULT_SORT);
  api.applyColumnState({ state: sorts.map(([colId, sort], sortIndex) => ({ colId, sort, sortIndex })), defaultState: { sort: null } });
  /** @type {GridNode[]} */
  const nodes = [];
  /** @type {GridNode[]} */
  const others = [];
  api.forEachNodeAfterFilter((node) => (choice.selected === "all" || choice.selected.has(node.data.id) ? nodes : others).push(node));
  api.setNodesSelected({ nodes: others.filter((n) => n.isSelected()), newValue: false, source: "api" });
  api.setNodesSelected({ nodes, newValue: true, source: "api" });
}
