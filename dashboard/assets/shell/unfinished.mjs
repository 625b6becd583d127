// A page of the server's that tells of something that is not over says so; it is asked for until that is over.

const SOON_MS = 1_000;

/**
 * Call `ask` a while after each page that is not finished, `root` being where pages come and go.
 * @param {HTMLElement} root @param {() => void} ask
 */
export function connectUnfinished(root, ask) {
  let waiting = 0;
  const look = () => {
    if (waiting || !root.querySelector("[data-unfinished]")) return;
    waiting = setTimeout(() => {
      waiting = 0;
      if (!root.querySelector("[data-unfinished]")) return;
      if (!document.hidden) ask();
      look(); // an answer that never came, or says just the same, changes nothing that could be seen
    }, SOON_MS);
  };
  new MutationObserver(look).observe(root, { childList: true, subtree: true, characterData: true });
  look();
}
