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

/** A table of {columns, rows}; a row is {cells, class}, a cell {text, small, href}. All of it is text. */
export function build(table, document) {
  const make = (name, ...children) => {
    const element = document.createElement(name);
    element.append(...children);
    return element;
  };
  const cell = ({ text, small, href }, column) => {
    const link = href ? make("a", text) : text;
    if (href) {
      link.setAttribute("href", href);
      link.className = "handle";
    }
    const td = make("td", link, ...(small ? [make("small", small)] : []));
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
