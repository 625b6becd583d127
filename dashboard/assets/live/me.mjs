// Who is logged in: asked for when somebody opens the menu, so that no page waits for it.

/** What the menu says of somebody, from the answer of /api/people/me. */
export const whoWords = ({ name, role }) => (name === null ? `No login: everybody acts as ${role}` : `${name}, ${role}`);

export function connectMe() {
  const menu = document.getElementById("me-menu");
  menu.addEventListener("toggle", async (event) => {
    if (event.newState !== "open") return;
    const place = document.getElementById("me-who");
    try {
      const answer = await fetch("/api/people/me");
      if (!answer.ok) throw new Error(answer.statusText);
      const me = await answer.json();
      place.textContent = whoWords(me);
      document.getElementById("me-out").hidden = me.name === null;
    } catch {
      place.textContent = "The monitor does not answer.";
    }
  });
  menu.addEventListener("click", (event) => event.target.closest("a") && menu.hidePopover());
}
