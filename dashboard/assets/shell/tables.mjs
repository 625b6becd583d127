// Long tables of the server's pages. Dash keeps a watch on each of its components, and a table of a thousand
// cells takes it seconds: it is sent as one attribute and built here.

/** Fill what is there, and what comes with each page. */
export function connectTables(root) {
  const fill = () => {
    for (const place of root.querySelectorAll("[data-table]")) {
      if (place.dataset.table === place.__filled) continue;
      place.__filled = place.dataset.table;
      place.replaceChildren(build(JSON.parse(place.dataset.table), document));
    }
  };
  new MutationObserver(fill).observe(root, { childList: true, subtree: true, attributeFilter: ["data-table"] });
  fill();
}

/** A table of {columns, rows}; a row is {cells, class}, a cell {text, small, href}. All of it is text; that
 * without a link may be a list of words and of moments, {text, at, from}. */
export function build(table, document) {
  const make = (name, ...children) => {
    const element = document.createElement(name);
    element.append(...children);
    return element;
  };
  const time = ({ text, at, from }) => {
    const element = make("time", text);
    element.setAttribute("datetime", at);
    if (from) element.setAttribute("data-from", from);
    return element;
  };
  const words = (text) => (Array.isArray(text) ? text.map((one) => (typeof one === "string" ? one : time(one))) : [text]);
  const cell = ({ text, small, href }, column) => {
    const link = href ? [make("a", text)] : words(text);
    if (href) {
      link[0].setAttribute("href", href);
      link[0].className = "handle";
    }
    const td = make("td", ...link, ...(small ? [make("small", small)] : []));
    td.dataset.label = column;
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
