// Until an account was read, the server's page of the first run stands at / in place of Live.

const root = document.documentElement;
const isThere = () => document.querySelector("#page .first-run") !== null;

/** The page to show at an address: the first run, while it is what the server sent for /. @param {string} page */
export const shownPage = (page) => (page === "live" && isThere() ? "first-run" : page);

/** Follow what comes and goes below `pages`; `back` is called when Live is shown again. @param {HTMLElement} pages @param {() => void} back */
export function connectFirstRun(pages, back) {
  new MutationObserver(() => {
    if (location.pathname !== "/") return;
    const page = shownPage("live");
    if (root.dataset.page === page) return;
    root.dataset.page = page;
    if (page === "live") back();
  }).observe(pages, { childList: true, subtree: true });
}
