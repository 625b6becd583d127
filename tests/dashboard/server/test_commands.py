"""What is written in the browser or over the API can be written by a command, and the other way round."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

from dash import Dash

from dashboard.asgi.process import WebProcess
from dashboard.server.app import create_app
from dashboard.server.features import features
from dashboard.ui.pages import PageCallbacks
from jobs.cli.main import SUMMARIES, loaded
from jobs.runtime.replay_process import ReplayProcess
from storage.postgres.pool import Pool
from tests.support.servers.dashboard import SETTINGS, routes, served_by

COMMANDS: dict[str, str] = {
    "PATCH /api/v1/accounts": "accounts remove",
    "POST /api/v1/accounts": "accounts import",
    "POST /api/v1/accounts/tags": "accounts tag",
    "POST /api/v1/accounts/{account_id}/purge": "purge",
    "POST /api/v1/name-checks": "accounts import",
    "POST /api/accounts/edit": "accounts tag",
    "POST /api/account/{account_id}/tags/add": "accounts tag",
    "POST /api/account/{account_id}/tags/remove": "accounts tag",
    "button add-preview": "accounts import",
    "button add-watch": "accounts import",
    "button label-watch": "accounts import",
    "button label-watch-rest": "accounts import",
    "button purge-preview": "purge",
    "button purge-do": "purge",
    "POST /api/v1/lists": "lists add",
    "PATCH /api/v1/lists/{list_id}": "lists rename",
    "POST /api/v1/lists/{list_id}/accounts": "lists put",
    "POST /api/v1/lists/{list_id}/accounts/move": "lists move",
    "POST /api/v1/lists/{list_id}/thresholds/preview": "lists thresholds",
    "button list-make": "lists add",
    "button list-rename": "lists rename",
    "button list-archive": "lists archive",
    "button list-restore": "lists restore",
    "button thresholds-preview": "lists thresholds",
    "button thresholds-save": "lists thresholds",
    "button thresholds-default": "lists thresholds",
    "button retention-save": "lists retention",
    "POST /api/v1/orders": "orders add",
    "PATCH /api/v1/orders/{order_id}": "orders edit",
    "POST /api/v1/orders/{order_id}/documents": "orders attach",
    "POST /api/v1/orders/{order_id}/events": "orders event",
    "POST /api/v1/orders/{order_id}/keywords": "orders keywords",
    "POST /api/v1/orders/{order_id}/names": "orders names",
    "POST /api/v1/orders/{order_id}/names/withdraw": "orders withdraw",
    "button order-store": "orders add",
    "button order-save": "orders edit",
    "button event-store": "orders event",
    "button document-store": "orders attach",
    "button keywords-store": "orders keywords",
    "button order-names-check": "orders names",
    "button order-names-add": "orders names",
    "button withdraw-store": "orders withdraw",
    "POST /api/v1/rules": "alerts import",
    "PUT /api/v1/rules": "alerts import",
    "PATCH /api/v1/rules": "alerts enable",
    "DELETE /api/v1/rules": "alerts remove",
    "POST /api/v1/rules/preview": "alerts preview",
    "POST /api/alerts/rules/enable": "alerts enable",
    "POST /api/alerts/rules/disable": "alerts disable",
    "POST /api/alerts/rules/up": "alerts move",
    "POST /api/alerts/rules/down": "alerts move",
    "POST /api/alerts/rules/remove": "alerts remove",
    "button rule-toml-read": "alerts import",
    "button rule-save": "alerts import",
    "button rule-switch": "alerts enable",
    "button rule-up": "alerts move",
    "button rule-down": "alerts move",
    "button rule-remove": "alerts remove",
    "button rule-preview": "alerts preview",
    "button rule-test": "alerts test",
    "POST /api/v1/incidents/{story_key}/acknowledgement": "alerts ack",
    "POST /api/v1/stories/{story_key}/acknowledgement": "alerts ack",
    "DELETE /api/v1/incidents/{story_key}/acknowledgement": "alerts unack",
    "PATCH /api/v1/incidents/{story_key}": "incidents assign",
    "POST /api/alerts/acknowledge": "alerts ack",
    "POST /api/alerts/acknowledge/undo": "alerts unack",
    "POST /mail-link/{token}": "alerts ack",
    "button incident-save": "incidents assign",
    "button incident-take": "incidents assign",
    "button incident-ack": "alerts ack",
    "button incident-unack": "alerts unack",
    "button incident-close": "incidents close",
    "button incident-reopen": "incidents reopen",
    "POST /api/v1/causes": "causes add",
    "PUT /api/v1/causes/{cause_id}": "causes correct",
    "DELETE /api/v1/causes/{cause_id}": "causes withdraw",
    "POST /api/causes/record": "causes add",
    "POST /api/causes/correct": "causes correct",
    "POST /api/causes/withdraw": "causes withdraw",
    "POST /api/v1/mutes": "alerts mute",
    "DELETE /api/v1/mutes/{mute_id}": "alerts unmute",
    "POST /api/alerts/mute": "alerts mute",
    "POST /api/alerts/mute/end": "alerts unmute",
    "POST /api/alerts/maintenance": "alerts maintenance",
    "POST /api/v1/mails/{mail_id}/resend": "alerts resend",
    "POST /api/alerts/resend": "alerts resend",
    "button mail-test-send": "doctor",
    "POST /api/replay/rules": "replay",
    "POST /api/people/add": "users add",
    "POST /api/people/disable": "users disable",
    "POST /api/people/enable": "users enable",
    "POST /api/people/password": "users password",
    "POST /api/people/role": "users role",
    "POST /api/people/second-factor/reset": "users reset-second-factor",
    "POST /api/people/tokens": "tokens add",
    "POST /api/people/tokens/revoke": "tokens revoke",
}
"""The command that writes the same, by what writes it in the browser and over the API.

Where one of these writes several things, it is the command of the first.
"""
_BY_A_PERSON = "It is signed with the name of a person, and the command line has none."
_WRITTEN = "A story is written beside its pictures; the command exports it."
WITHOUT_COMMAND: dict[str, str] = {
    "POST /api/account/notes/add": _BY_A_PERSON,
    "POST /api/account/notes/withdraw": _BY_A_PERSON,
    "POST /api/v1/accounts/{account_id}/notes": _BY_A_PERSON,
    "DELETE /api/v1/notes/{note_id}": _BY_A_PERSON,
    **dict.fromkeys(
        (
            "POST /api/stories",
            "POST /api/stories/captions",
            "POST /api/stories/captions/change",
            "POST /api/stories/captions/remove",
            "POST /api/stories/change",
            "POST /api/stories/remove",
            "POST /api/v1/written-stories",
            "PUT /api/v1/written-stories/{written_story_id}",
            "DELETE /api/v1/written-stories/{written_story_id}",
            "POST /api/v1/written-stories/{written_story_id}/captions",
            "PUT /api/v1/captions/{caption_id}",
            "DELETE /api/v1/captions/{caption_id}",
        ),
        _WRITTEN,
    ),
    "POST /api/people/own-password": "It is about oneself, with one's own login.",
    "POST /api/people/sessions/end": "It is about oneself, with one's own login.",
    "POST /api/replay/rules/stop": "A re-evaluation of the command line is stopped by Ctrl+C.",
    "POST /api/replay/clip": "The browser that plays a film records it.",
    "POST /_dash-update-component": "It carries the buttons, which stand here one by one.",
}
"""What has no command, with the reason."""
READING = frozenset(
    {
        *("check", "status", "plan", "setup", "report", "published", "export", "mcp", "where"),
        *("accounts list", "executives list", "incidents list", "incidents rules"),
        *("alerts rules", "alerts export", "alerts explain", "alerts stories", "alerts mutes", "alerts log"),
        *("orders list", "orders documents", "orders document", "orders show"),
        *("causes list", "causes document"),
        *("stories list", "stories show", "stories export"),
        *("evidence pack", "evidence account", "evidence order", "evidence label", "evidence verify"),
        *("evidence heads", "evidence chain", "purges", "users list", "tokens list"),
    }
)
"""The commands that change nothing of an installation."""
_ALONE = "It stands for a process or a whole database, which a page cannot do to itself."
_FILE = "It takes a large file of somebody else's records from the disk."
ONLY_COMMANDS: dict[str, str] = {
    **dict.fromkeys(("run", "demo", "rehearse", "simulate"), _ALONE),
    "init": "A page is served after the settings were read.",
    **dict.fromkeys(
        ("backup", "restore", "migrate", "archive", "unarchive", "upgrade", "secrets rotate"), _ALONE
    ),
    **dict.fromkeys(("import", "executives import", "executives engagement", "orders import"), _FILE),
    **dict.fromkeys(("causes import", "causes notice"), _FILE),
    "apply": "A file of a repository is applied where the repository is: by hand or in CI.",
    "workers shards": "It follows the processes that were started, which no page can start.",
    "workers drop": "Only an operator who reported the fault should remove its traces.",
    "evidence anchor": "The monitor requests a time stamp each day by itself.",
    "evidence checkpoint": "The monitor signs a checkpoint each day by itself.",
    "lists take": "POST /api/v1/lists/{list_id}/accounts does both, and stands with `lists put`.",
    "lists read-every": "It needs the adaptive planner, which the settings choose; `apply` sets it too.",
    "incidents due": "PATCH /api/v1/incidents/{story_key} and the button Save do it with the assignment.",
    "incidents note": "PATCH /api/v1/incidents/{story_key} and the button Save do it with the assignment.",
}
"""The commands that write what nothing in the browser does, or not alone, with the reason."""


def leaves(command: Any, name: str) -> Iterator[str]:
    if not hasattr(command, "commands"):
        yield name
        return
    for part, below in command.commands.items():
        yield from leaves(below, f"{name} {part}")


ALL_COMMANDS = {leaf for name in SUMMARIES for leaf in leaves(loaded(name), name)}


def buttons(process: WebProcess) -> Iterator[str]:
    """The buttons of the pages that make the server, or a script, do something."""
    dash = Dash("pages", suppress_callback_exceptions=True)
    for feature in features(process, ReplayProcess("")):
        for page in feature.pages:
            if page.callbacks is not None:
                page.callbacks(PageCallbacks(dash, lambda: None))
    for one in cast("list[dict[str, Any]]", dash._callback_list):  # pyright: ignore[reportPrivateUsage]
        for given in one["inputs"]:
            if given["property"] in {"n_clicks", "submit_n_clicks"}:
                yield f"button {given['id']}"


async def test_what_is_written_in_the_browser_or_over_the_api_has_a_command_or_a_reason(
    pool: Pool, dsn: str, now: datetime
) -> None:
    app = create_app(pool, lambda: now, dsn=dsn, settings=SETTINGS, decider=ReplayProcess(dsn))
    writes = {
        f"{method} {path}"
        for method, path in routes(served_by(app))
        if method in {"POST", "PUT", "PATCH", "DELETE"}
    }
    found = writes | set(buttons(WebProcess(pool, lambda: now, dsn, SETTINGS)))
    listed = COMMANDS.keys() | WITHOUT_COMMAND.keys()
    assert sorted(found - listed) == [], "give these a command, or a reason in WITHOUT_COMMAND"
    assert sorted(listed - found) == [], "these are gone"
    assert not COMMANDS.keys() & WITHOUT_COMMAND.keys()


def test_a_command_that_writes_has_its_like_in_the_browser_or_a_reason() -> None:
    paired = set(COMMANDS.values())
    assert sorted(paired - ALL_COMMANDS) == [], "there are no such commands"
    assert sorted(ALL_COMMANDS - paired - READING - ONLY_COMMANDS.keys()) == [], "a page, the API or a reason"
    assert sorted((READING | ONLY_COMMANDS.keys()) - ALL_COMMANDS) == [], "these are gone"
    assert not paired & (READING | ONLY_COMMANDS.keys())
    assert not READING & ONLY_COMMANDS.keys()


def test_each_reason_is_a_sentence() -> None:
    for why in (*WITHOUT_COMMAND.values(), *ONLY_COMMANDS.values()):
        assert why[0].isupper() or why.startswith(("POST ", "PATCH "))
        assert why.endswith(".")
