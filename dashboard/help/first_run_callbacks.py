"""What the first run does while it is open: it looks for readings, and sends a test email."""

from functools import partial

from dash import Input, Output, State, no_update

from dashboard.asgi.process import MailTest, WebProcess
from dashboard.auth import access
from dashboard.help.first_run_facts import read_first_run
from dashboard.help.first_run_page import (
    MAIL_SAID,
    MAIL_SEND,
    MAIL_TO,
    READINGS,
    STATE,
    TICK,
    TRY_MAIL,
    readings_cards,
    state_cards,
)
from dashboard.ui.pages import PageCallbacks
from dashboard.ui.time_markup import timed
from storage.live.first_readings import is_first_run
from storage.model.alerts.rules import is_channel, is_recipient
from storage.model.core.people import Scope
from storage.model.text.states import clean
from storage.postgres.audit_log import log
from storage.postgres.pool import StorageError, transaction


def connect_first_run(process: WebProcess, app: PageCallbacks) -> None:
    """Add the callbacks of the page."""
    app.callback(
        Output(READINGS, "children"),
        Output(STATE, "children"),
        Output("page", "children", allow_duplicate=True),
        Input(TICK, "n_intervals"),
        State("url", "pathname"),
        prevent_initial_call=True,
    )(partial(_looked, process))
    app.callback(
        Output(MAIL_SAID, "children"),
        Output(MAIL_SAID, "className"),
        Input(MAIL_SEND, "n_clicks"),
        State(MAIL_TO, "value"),
        prevent_initial_call=True,
    )(partial(_mail_tested, process))


async def _looked(process: WebProcess, _: int, path: object) -> tuple[object, object, object]:
    """The lists as they are now. At / the page goes once an account was read, because Live has something to
    show. Without the database the lists stay as they are, and the banner above says why.
    """
    actor = access.acting()
    try:
        async with transaction(process.pool) as conn:
            if path == "/" and not await is_first_run(conn):
                return no_update, no_update, None
            facts = await read_first_run(conn, process.clock())
    except StorageError:
        return no_update, no_update, no_update
    readings = [timed(one) for one in readings_cards(facts, actor)]
    return readings, [timed(one) for one in state_cards(facts, process.settings)], no_update


async def _mail_tested(process: WebProcess, clicks: int | None, address: object) -> tuple[object, object]:
    """Send a test email, and say what the server answered."""
    if not clicks:  # Dash also calls when the button comes with a page
        return no_update, no_update
    actor = access.acting()
    access.require(actor, TRY_MAIL)
    access.require_scope(actor, Scope.ADMIN)
    to = address.strip() if isinstance(address, str) else ""
    if not is_recipient(to) or is_channel(to):
        return "Write your email address, such as desk@example.org.", "refused"
    if not isinstance(process.mail_test, MailTest):
        return process.mail_test, "refused"
    refusal = await process.mail_test.send(to, actor.name, process.clock())
    if refusal is not None:
        return refusal, "refused"
    said = (
        f"The server {clean(process.mail_test.server, 120)} accepted a test email to {clean(to, 320)}. "
        "Look into your inbox, and among spam."
    )
    try:
        async with transaction(process.pool) as conn:
            await log(conn, process.clock(), actor.name, "test sent", "mail server", {"to": to})
    except StorageError as error:
        return f"{said} It is not in the audit log: {error}", "verdict"
    return said, "verdict"
