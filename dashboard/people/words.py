"""What the Settings page calls things. Pure."""

from storage.model.core.people import Role, Scope
from storage.model.text.states import clean

ROLE_NAME = {Role.VIEWER: "Viewer", Role.ANALYST: "Analyst", Role.ADMIN: "Admin"}
ROLE_MAY = {
    Role.VIEWER: "can see everything and change nothing",
    Role.ANALYST: "can also acknowledge, mute, send again, tag, note, write stories and edit lists",
    Role.ADMIN: "can do everything, including rules, maintenance and users",
}
SCOPE_NAME = {
    Scope.FEEDS: "Feeds only",
    Scope.READ: "Read",
    Scope.WRITE: "Read and write as an analyst",
    Scope.ADMIN: "Read and write as an admin",
}
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def browser_name(user_agent: str) -> str:
    """What people call a browser, as far as it says; else the beginning of what it says."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    first = user_agent.partition(" ")[0]
    return browser or (clean(first, 40) if first else "unknown")
