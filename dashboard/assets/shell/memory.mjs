// What this browser remembers from visit to visit.

/** @param {string} key @param {string} value */
export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
}

/** What was remembered; null for nothing. @param {string} key */
export function recalled(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
