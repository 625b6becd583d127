// What the page passes to Dash outside Dash's own components.

let isRunning = false;

/** Record that Dash runs. @returns {boolean} whether this is the first call */
export function noteDashRuns() {
  const isFirst = !isRunning;
  isRunning = true;
  return isFirst;
}

/**
 * Set the data of a store. Before Dash runs this does nothing: Dash would fail, and it reads the address when it starts.
 * @param {string} id @param {object | number} data
 */
export function giveDash(id, data) {
  if (isRunning) globalThis.dash_clientside.set_props(id, { data });
}

/** What the server needs to write the page at the present address. */
export const presentPage = () => ({ path: location.pathname, query: location.search, theme: document.documentElement.dataset.theme });
