// From page to page without loading everything anew.

import { $, say, targetOf } from "./dom.mjs";

/** A page that comes sooner needs no sign that it is on its way. */
const PATIENCE_MS = 300;

/** Go to another page; Dash's router listens for the event. @param {string} href */
export function navigate(href) {
  const from = location.pathname;
  history.pushState({}, "", href);
  dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  // Another choice on the same page leaves the reader where he is.
  if (location.pathname !== from) scrollTo(0, 0);
}

/** @param {MouseEvent} event */
function inSitePath(event) {
  const link = /** @type {HTMLAnchorElement | null} */ (targetOf(event).closest?.("a[href]"));
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return null;
  if (link.target || link.origin !== location.origin || link.getAttribute("href")?.startsWith("#")) return null;
  if (/^\/(api|help-files)\//.test(link.pathname) || link.pathname.endsWith(".html")) return null; // a file
  return link.pathname + link.search + link.hash;
}

/**
 * Show a page that has come from its beginning, or the part that the address names: also where what a button did
 * leads to the page. Going back, the browser shows what was seen.
 * @param {HTMLElement} root
 */
export function connectAnchors(root) {
  let [shown, page] = ["", location.pathname];
  addEventListener("popstate", () => {
    page = location.pathname;
  });
  new MutationObserver(() => {
    if (location.pathname !== page && !location.hash) scrollTo(0, 0);
    page = location.pathname;
    const asked = location.pathname + location.hash;
    const part = asked !== shown && location.hash ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
    if (!part || !root.contains(part)) return;
    shown = asked;
    part.scrollIntoView();
  }).observe(root, { childList: true, subtree: true });
}

/**
 * Say that another page is on its way, once that takes long enough to be noticed. Dash marks the page while the server
 * writes it. A page that only refreshes itself, and Live, which is always there, need no such sign.
 * @param {HTMLElement} root
 */
export function connectLoading(root) {
  const address = () => location.pathname + location.search;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waits;
  let [shown, isComing] = ["", false];
  /** @param {boolean} isLate */
  const put = (isLate) => {
    $("content").setAttribute("aria-busy", String(isLate));
    say($("loading"), isLate ? "Loading …" : "");
  };
  const look = () => {
    if (isComing === (root.querySelector("#page[data-dash-is-loading]") !== null)) return;
    isComing = !isComing;
    clearTimeout(waits);
    if (!isComing) {
      shown = address();
      put(false);
    } else if (address() !== shown) {
      waits = setTimeout(() => put(document.documentElement.dataset.page !== "live"), PATIENCE_MS);
    }
  };
  new MutationObserver(look).observe(root, { attributeFilter: ["data-dash-is-loading"], childList: true, subtree: true });
  look();
}

/** Have the links to our own pages lead there that way. */
export function connectLinks() {
  document.addEventListener("click", (event) => {
    const path = inSitePath(event);
    if (path === null) return;
    event.preventDefault();
    navigate(path);
  });
}
