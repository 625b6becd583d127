// The table of accounts: AG Grid with cells of our own. It asks for the rows of the screen and some beside, so that any number fits.

import { capital } from "../board/state.mjs";
import { gridTheme } from "../shell/grid-script.mjs";
import { navigate } from "../shell/navigate.mjs";
import { PLATFORMS } from "../shell/platforms.mjs";
import { between, clock, dayYear, duration, zoneName } from "../shell/time.mjs";
import { SORTED, sortsOf } from "./rows.mjs";
import { spark, words } from "./spark.mjs";

export const DEFAULT_SORT = "since:desc";
const NARROW = 760;
/** Rows in one request. */
export const BLOCK = 100;
/** So many of them the browser keeps. */
const BLOCKS = 20;

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

/** When it was last read, and what that means. @param {Held["state"]} state @param {AccountRow} row */
function lastRead(state, row) {
  if (row.last === null) return ["No reading", `in the last ${row.from === null ? "24 hours" : "30 days"}`];
  const ago = state.now - row.last;
  return [ago < 86_400_000 ? `${clock(row.last)} ${zoneName(row.last)}` : dayYear(row.last), `${duration(ago)} ago`];
}

/**
 * By column: heading, width, and what a cell shows of a row.
 * @type {Record<string, [heading: string, width: number, show: (row: AccountRow, state: Held["state"], narrow: boolean) => (Node | string | null)[]]>}
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

/** A row that has not come, and one whose account is no longer there. @param {string} id @param {AccountRow | undefined} row */
const placeholder = (id, row) => (id === "handle" ? [make("small", "", row ? `Account ${row.id}: no longer in this table` : "Loading …")] : []);

/** @param {Held} held */
function columnDefs(held) {
  return Object.entries(COLUMNS).map(([id, [headerName, width, show]]) => ({
    colId: id,
    headerName,
    width,
    minWidth: id === "since" || id === "status" ? width : 80,
    sortable: SORTED.includes(id),
    sortingOrder: ["asc", "desc"],
    valueGetter: (/** @type {GridNode} */ { data }) => data?.id, // cells are drawn from the row; without a value the grid would skip them
    equals: () => false,
    suppressHeaderMenuButton: true,
    hide: id === "status" && innerWidth <= NARROW, // it stands below the handle there
    pinned: id === "handle" && innerWidth > NARROW ? "left" : null,
    flex: id === "since" || id === "status" ? 1 : undefined,
    cellClass: `ac-${id}`,
    cellRenderer: (/** @type {GridNode} */ { data }) => make("div", "ac-cell", ...(data && !data.gone ? show(data, held.state, innerWidth <= NARROW) : placeholder(id, data))),
  }));
}

/** The box that selects all accounts of the listing, on the screen or not. @param {Held} held @param {(all: boolean) => void} choose */
function selectAll(held, choose) {
  return class {
    init() {
      this.box = /** @type {HTMLInputElement} */ (make("input", "ac-all"));
      this.box.type = "checkbox";
      this.box.setAttribute("aria-label", "Select all accounts that the filters show");
      this.box.addEventListener("change", () => choose(/** @type {HTMLInputElement} */ (this.box).checked));
      this.refresh();
    }

    getGui() {
      return this.box;
    }

    refresh() {
      const { size } = held.selected;
      const box = /** @type {HTMLInputElement} */ (this.box);
      box.checked = size > 0 && size >= held.shown;
      box.indeterminate = size > 0 && size < held.shown;
      return true;
    }
  };
}

/** "since:desc,handle" of what the grid sorts by. @param {{ colId: string, sort?: string | null }[]} sorted */
const sortText = (sorted) => sorted.map((c) => (c.sort === "desc" ? `${c.colId}:desc` : c.colId)).join(",");

/**
 * Make the grid in `place`. `held` is read at each drawing. `on` is {sorted(text), picked(row, is it selected), all(are they selected), seen(rows on the screen), and rows(start, count, sort), which asks for some}.
 * @param {any} agGrid @param {HTMLElement} place @param {Held} held @param {Choice} choice
 * @param {{ sorted(sort: string): void, picked(row: AccountRow, on: boolean): void, all(on: boolean): void, seen(rows: AccountRow[]): void, rows(start: number, count: number, sort: string): Promise<AccountsState | null> }} on
 */
export function makeGrid(agGrid, place, held, choice, on) {
  const loaded = () => api.getRenderedNodes().flatMap(({ data }) => (data && !data.gone ? [data] : []));
  const seen = () => api.isDestroyed() || on.seen(loaded());
  const datasource = {
    getRows: async (/** @type {GridBlock} */ block) => {
      const state = await on.rows(block.startRow, block.endRow - block.startRow, sortText(block.sortModel) || DEFAULT_SORT);
      if (api.isDestroyed()) return;
      if (state === null) return block.failCallback();
      block.successCallback(state.rows, state.shown);
      mark(api, held);
      seen();
    },
  };
  let silent = true;
  /** @type {Grid} */
  const api = agGrid.createGrid(place, {
    theme: gridTheme(agGrid),
    columnDefs: columnDefs(held),
    rowModelType: "infinite",
    cacheBlockSize: BLOCK,
    maxBlocksInCache: BLOCKS,
    cacheOverflowSize: 1,
    maxConcurrentDatasourceRequests: 2,
    blockLoadDebounceMillis: 60,
    infiniteInitialRowCount: 1,
    getRowId: (/** @type {GridNode} */ { data }) => String(data?.id),
    rowHeight: 44,
    rowSelection: { mode: "multiRow", checkboxes: (/** @type {GridNode} */ { data }) => Boolean(data && !data.gone), headerCheckbox: false, enableClickSelection: false },
    selectionColumnDef: { pinned: innerWidth > NARROW ? "left" : null, width: 42, suppressHeaderMenuButton: true, headerComponent: selectAll(held, on.all) },
    ensureDomOrder: true,
    enableCellTextSelection: true,
    suppressDragLeaveHidesColumns: true,
    animateRows: false,
    localeText: { noRowsToShow: "No account to show." },
    overlayNoRowsTemplate: '<span class="nothing">No account to show.</span>',
    onViewportChanged: () => queueMicrotask(seen),
    onSortChanged: () => {
      if (silent) return;
      const sorted = api.getColumnState().filter((c) => c.sort).sort((a, b) => Number(a.sortIndex) - Number(b.sortIndex));
      const text = sortText(sorted);
      on.sorted(text === DEFAULT_SORT ? "" : text);
    },
    onRowSelected: (/** @type {{ node: GridNode, source: string }} */ { node, source }) => {
      if (source !== "api" && node.data) on.picked(node.data, node.isSelected());
    },
    onCellKeyDown: (/** @type {{ event: KeyboardEvent, data?: AccountRow, column: { getColId(): string } }} */ { event, data, column }) => {
      if (event.key === "Enter" && data && column.getColId() !== "ag-Grid-SelectionColumn") navigate(`/account/${data.id}`);
    },
  });
  arrange(api, choice);
  api.setGridOption("datasource", datasource);
  silent = false;
  return {
    api,
    mark: () => mark(api, held),
  };
}

/** Sort as the address says. @param {Grid} api @param {Choice} choice */
function arrange(api, choice) {
  const sorts = sortsOf(choice.sort || DEFAULT_SORT);
  api.applyColumnState({ state: sorts.map(([colId, sort], sortIndex) => ({ colId, sort, sortIndex })), defaultState: { sort: null } });
}

/** Tick the rows of those selected, as far as they are loaded. @param {Grid} api @param {Held} held */
function mark(api, held) {
  api.forEachNode((node) => {
    const on = node.data !== undefined && held.selected.has(node.data.id);
    if (node.isSelected() !== on) node.setSelected(on, false, "api");
  });
  api.refreshHeader();
}
