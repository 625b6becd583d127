// Runs before the first paint: theme, zone and page, so that nothing jumps; and asks for the data at once.
(() => {
  "use strict";
  const root = document.documentElement;
  // Who was logged out meanwhile is led to the login, whichever request is the first to notice.
  const ask = globalThis.fetch;
  globalThis.fetch = async (...request) => {
    const answer = await ask(...request);
    if (answer.status === 401) location.reload();
    return answer;
  };
  /** @param {string} key */
  const remembered = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage may be forbidden; the page works without a memory
    }
  };
  const dark = globalThis.matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = remembered("blockline.theme") ?? (dark ? "dark" : "light");
  root.dataset.zone = remembered("blockline.zone") ?? "utc";
  /** @param {string} path */
  const pageOf = (path) => (path === "/" ? "live" : path.split("/")[1]);
  /** @param {string} path */
  const pathOf = (path) => path.replace(/(?<=.)\/+$/, "");
  root.dataset.page = pageOf(location.pathname);
  root.dataset.path = pathOf(location.pathname);

  /** @type {RangeName[]} */
  const ranges = ["24h", "7d", "14d", "30d", "1y", "all"];
  const wanted = new URLSearchParams(location.search).get("range");
  const range = ranges.find((name) => name === wanted) ?? "14d";
  const first = root.dataset.page === "live" ? fetch(`/api/live?range=${range}`) : null;
  const film = root.dataset.path === "/replay" ? fetch("/api/replay") : null;

  // Dash's own scripts take as long to start as all of a page of ours: there they wait until it is drawn.
  let started = false;
  const startDash = async () => {
    const kept = /** @type {HTMLTemplateElement | null} */ (document.getElementById("dash-scripts"));
    if (started || !kept) return;
    started = true;
    /** @param {HTMLScriptElement} script */
    const add = (script) => {
      const made = document.createElement("script");
      for (const { name, value } of script.attributes) made.setAttribute(name, value);
      made.async = false;
      made.textContent = script.textContent;
      const loaded = new Promise((done) => (made.onload = made.onerror = done));
      document.body.append(made);
      return loaded;
    };
    const scripts = [...kept.content.querySelectorAll("script")];
    await Promise.all(scripts.filter((script) => script.src).map(add));
    for (const script of scripts) if (!script.src) add(script);
  };
  const early = first ?? film;
  early?.catch(startDash);
  const PATIENCE_MS = 2_000;
  document.addEventListener("DOMContentLoaded", () => (early ? setTimeout(startDash, PATIENCE_MS) : startDash()));

  /** @type {PromiseWithResolvers<Ready>} */
  const { promise: ready, resolve: arrived } = Promise.withResolvers();
  globalThis.__blockline = { rev: 0, range, first, film, pageOf, pathOf, arrived, startDash };

  // Dash looks these up when it starts, which may be before the module below has loaded: they wait for it.
  globalThis.dash_clientside = Object.assign({}, globalThis.dash_clientside, {
    blockline: {
      push: async (/** @type {Delta} */ message) => (await ready).push(message),
      poll: async () => (await ready).poll(),
      toast: async (/** @type {Toast | null} */ given) => (await ready).toast(given),
      // Rows of a table of names that were found meanwhile are chosen, as those were that were found at once.
      chooseNew: (/** @type {object[]} */ found, /** @type {object[] | null} */ chosen) => [...(chosen ?? []), ...(found ?? [])],
      // Each box of a table has one option. Ticked are all of them, or none.
      chooseAll: (/** @type {string[] | null} */ all, /** @type {{ value: string }[][]} */ boxes) => boxes.map((options) => (all?.length ? options.map(({ value }) => value) : [])),
      chosen: (/** @type {number} */ clicks, /** @type {{ id: string }[] | null} */ rows) => ({ clicks, positions: (rows ?? []).map((row) => Number(row.id)) }),
      route: async (/** @type {string} */ path, /** @type {string} */ search) => (await ready).route(path, search),
      ...Object.fromEntries(
        ["textOf", "chosenFile", "attach"].map((act) => [act, async (/** @type {unknown[]} */ ...given) => (await ready).orderFile(act, given)]),
      ),
    },
  });
})();
