// What Dash is given from outside its own components.

let isRunning = false;

/** Dash calls this page for the first time: from now on it takes what it is given. @returns {boolean} whether it was the first time */
export function dashRuns() {
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
