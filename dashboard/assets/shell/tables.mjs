// Long tables of the server's pages. Dash keeps a watch on each of its components, and a table of a thousand
// cells takes it seconds: it is sent as one attribute and built here.

import { all } from "./dom.mjs";

/** What was built last, by where. @type {WeakMap<Element, string>} */
const filled = new WeakMap();

/** Fill what is there, and what comes with each page. @param {HTMLElement} root */
export function connectTables(root) {
  const fill = () => {
    for (const place of all(root, "[data-table]")) {
      const { table } = place.dataset;
      if (table === undefined || table === filled.get(place)) continue;
      filled.set(place, table);
      place.replaceChildren(build(JSON.parse(table), document));
    }
  };
  new MutationObserver(fill).observe(root, { childList: true, subtree: true, attributeFilter: ["data-table"] });
  fill();
}

/**
 * A table of {columns, rows}; a row is {cells, class}, a cell {text, small, href}. All of it is text; that
 * without a link may be a list of words and of moments, {text, at, from}.
 * @param {LongTable} table @param {Document} document
 */
export function build(table, document) {
  /** @param {string} name @param {...(Node | string)} children */
  const make = (name, ...children) => {
    const element = document.createElement(name);
    element.append(...children);
    return element;
  };
  /** @param {Timed} of */
  const time = ({ text, at, from }) => {
    const element = make("time", text);
    element.setAttribute("datetime", at);
    if (from) element.setAttribute("data-from", from);
    return element;
  };
  /** @param {string} text @param {string} href */
  const link = (text, href) => {
    const element = make("a", text);
    element.setAttribute("href", href);
    element.className = "handle";
    return element;
  };
  /** @param {Cell["text"]} text */
  const words = (text) => (Array.isArray(text) ? text.map((one) => (typeof one === "string" ? one : time(one))) : [text]);
  /** @param {Cell} of @param {string} column */
  const cell = ({ text, small, href }, column) => {
    const td = make("td", ...(href ? [link(String(text), href)] : words(text)), ...(small ? [make("small", small)] : []));
    td.dataset.label = column;
    if (text === "–" && !small) td.className = "none"; // a card of a phone leaves it out
    return td;
  };
  const heads = table.columns.map((column) => {
    const th = make("th", column);
    th.setAttribute("scope", "col");
    return th;
  });
  const rows = table.rows.map((row) => {
    const tr = make("tr", ...row.cells.map((one, i) => cell(one, table.columns[i])));
    tr.className = row.class ?? "";
    return tr;
  });
  const element = make("table", make("thead", make("tr", ...heads)), make("tbody", ...rows));
  element.className = "labelled acts";
  return element;
}
