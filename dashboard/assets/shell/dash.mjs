// What Dash is given from outside its own components.

let isRunning = false;

/** Note that Dash runs, since it calls the page. @returns {boolean} whether this is the first call */
export function noteDashRuns() {
  const isFirst = !isRunning;
  isRunning = true;
  return isFirst;
}

/**
 * Set the data of a store. Until Dash runs this does nothing: it starts after the page and fails on what comes
 * before it, and it begins with the address that the page has by then.
 * @param {string} id @param {object | number} data
 */
export function giveDash(id, data) {
  if (isRunning) globalThis.dash_clientside.set_props(id, { data });
}
