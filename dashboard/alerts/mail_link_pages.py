"""The pages behind the links in mails. Looking changes nothing: scanners of links look at everything.

Whoever has a link got the mail, so that there is no role and no login here; what is done is logged under the
address that the mail went to. A link that has ended, whose recipient left the rule, or whose incident has a
newer group does nothing: its page says why in one sentence, and leads to the dashboard.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from dashboard.auth.access import LOGIN_UNAVAILABLE
from dashboard.auth.form_actions import read_body
from dashboard.auth.signed_links import LIFETIMES, Link, LinkAction, read_token
from dashboard.ui import words
from dashboard.ui.alert_words import actor_words
from dashboard.ui.form_input import LONGEST_NOTE, WrongInput, filled
from storage.alerts.rules import load_rules, refuse_digests
from storage.alerts.threads import Acknowledged, NewerGroup, acknowledge
from storage.alerts.threads_report import ThreadStatus, thread_status
from storage.model.alerts.rules import StoredRule
from storage.model.text.states import clean
from storage.postgres.installation import link_key
from storage.postgres.pool import Conn, Pool, Refused, StorageError, transaction

UNKNOWN = (
    "This link is incomplete, was made void by an administrator, or is about something that no longer "
    "exists. Use the link in a newer email, or the dashboard."
)
NEWER = (
    "Further changes followed since this email. Acknowledge them with the link in the newest email, "
    "or on the dashboard."
)
NO_RULE = (
    "The rule that sent this email was removed or cannot be read, so the links in this email no longer work."
)
_WITH_DASHBOARD_BUTTON = {403, 404, 409, 410}
"""Pages that lead to the dashboard, because the link itself does nothing."""
FORM = "application/x-www-form-urlencoded"


def mail_link_routes(pool: Pool, clock: Callable[[], datetime]) -> APIRouter:
    router = APIRouter(prefix="/mail-link")

    @router.api_route("/{token}", methods=["GET", "HEAD"])
    async def look(token: str) -> Response:
        try:
            async with transaction(pool) as conn:
                link = read_token(await link_key(conn), token)
                return _unknown() if link is None else await _offer(conn, link, clock())
        except StorageError:
            return _page(503, "Not available", lines=[LOGIN_UNAVAILABLE])

    @router.post("/{token}")
    async def act(request: Request, token: str) -> Response:
        try:
            # Read the whole body first, so that a slow client holds no connection of the pool.
            body = await read_body(request)
            async with transaction(pool) as conn:
                link = read_token(await link_key(conn), token)
                if link is None:
                    return _unknown()
                if link.act is LinkAction.UNSUBSCRIBE:
                    # The signed address says it all: a mail program sends a body of its own (RFC 8058).
                    return await _unsubscribe(conn, link, clock())
                note = _note(request.headers.get("content-type", ""), body)
                return await _acknowledge(conn, link, note, clock())
        except WrongInput as error:
            return _page(422, "Not acknowledged", lines=[str(error), "Go back and correct the note."])
        except NewerGroup:
            return _newer()
        except Refused:
            return _unknown()
        except StorageError:
            return _page(503, "Not available", lines=[LOGIN_UNAVAILABLE])

    return router


async def _offer(conn: Conn, link: Link, now: datetime) -> Response:
    """What the button behind a link would do."""
    if link.act is LinkAction.UNSUBSCRIBE:
        if (refusal := await _not_from_digests(conn, link, now)) is not None:
            return refusal
        return _page(
            200,
            "Unsubscribe from digests",
            lines=[
                f"{clean(link.recipient, 200)} will no longer receive digests of the rule "
                f"“{clean(link.subject, 80)}”. Its immediate alerts are still sent."
            ],
            button="Unsubscribe",
        )
    thread = await thread_status(conn, link.subject)
    if thread is None:
        return _unknown()
    if (refusal := await _not_for_incident(conn, link, thread, now)) is not None:
        return refusal
    about = clean(thread.subject, 300)
    if thread.is_acknowledged:
        return _page(200, "Already acknowledged", about, _who(thread))
    if link.group is None or link.group < thread.newest_wave:
        return _newer()
    return _page(
        200,
        "Acknowledge",
        about,
        [*_earlier(thread), "Reminders stop, and the other recipients see that you acknowledged it."],
        button="Acknowledge",
        asks_note=True,
    )


async def _acknowledge(conn: Conn, link: Link, note: str, now: datetime) -> Response:
    thread = await thread_status(conn, link.subject)
    if thread is None:
        return _unknown()
    if (refusal := await _not_for_incident(conn, link, thread, now)) is not None:
        return refusal
    seen = link.group or 0
    done = await acknowledge(conn, link.subject, f"mail to {link.recipient}", note, now, seen=seen)
    about = clean(done.subject, 300)
    if not done.first:
        return _page(200, "Already acknowledged", about, _by(done))
    return _page(
        200,
        "Acknowledged",
        about,
        ["Reminders stop, and the other recipients see that you acknowledged it.", *_said(note)],
    )


async def _unsubscribe(conn: Conn, link: Link, now: datetime) -> Response:
    if (refusal := await _not_from_digests(conn, link, now)) is not None:
        return refusal
    done = await refuse_digests(conn, link.subject, link.recipient, now)
    rule, who = clean(link.subject, 80), clean(link.recipient, 200)
    sentence = f"{who} no longer receives digests of the rule “{rule}”."
    return _page(200, "Unsubscribed" if done else "Already unsubscribed", lines=[sentence])


async def _not_for_incident(conn: Conn, link: Link, thread: ThreadStatus, now: datetime) -> Response | None:
    """Why this link cannot acknowledge its incident any more; None if it can."""
    if link.has_ended(now):
        return _ended(link, "Use the link in a newer email, or the dashboard.")
    known = next((r for r in await load_rules(conn) if r.rule_id == thread.rule_id), None)
    if known is None:
        return _page(403, "Not acknowledged", lines=[NO_RULE])
    return None if link.recipient in known.rule.escalation_recipients else _not_recipient(link, known)


async def _not_from_digests(conn: Conn, link: Link, now: datetime) -> Response | None:
    """Why this link cannot unsubscribe its recipient any more; None if it can."""
    known = next((r for r in await load_rules(conn) if r.rule.name == link.subject), None)
    if known is None:
        return _unknown()
    if link.has_ended(now):
        return _ended(link, "Use the link in a newer digest.")
    return _not_recipient(link, known)


def _not_recipient(link: Link, known: StoredRule) -> Response | None:
    if link.recipient in known.rule.recipients:
        return None
    sentence = f"{clean(link.recipient, 200)} is no longer a recipient of the rule that sent this email."
    return _page(403, "Not a recipient", lines=[sentence])


def _ended(link: Link, instead: str) -> Response:
    days, at = LIFETIMES[link.act].days, words.day(link.ends_at)
    of = "the changes" if link.act is LinkAction.ACKNOWLEDGE else "the period"
    sentence = f"This link ended on {at}, {days} days after {of} that its email reports. {instead}"
    return _page(410, "Link ended", lines=[sentence])


def _newer() -> Response:
    return _page(409, "Not acknowledged", lines=[NEWER])


def _note(kind: str, body: bytes) -> str:
    return filled(kind, body).note() if kind.startswith(FORM) else ""


def _who(thread: ThreadStatus) -> list[str]:
    when = "" if thread.acknowledged_at is None else f" on {words.stamp(thread.acknowledged_at)}"
    return [f"Acknowledged by {actor_words(thread.acknowledged_by or '')}{when}.", *_said(thread.note)]


def _by(done: Acknowledged) -> list[str]:
    return [f"Acknowledged by {actor_words(done.by)} on {words.stamp(done.at)}.", *_said(done.note)]


def _earlier(thread: ThreadStatus) -> list[str]:
    """An acknowledgement of an earlier group; the present one needs its own."""
    if not thread.acknowledged_wave:
        return []
    by = actor_words(thread.acknowledged_by or "")
    return [f"The earlier alert was acknowledged by {by}. Further changes followed."]


def _said(note: str) -> list[str]:
    return [f"Note: “{clean(note, LONGEST_NOTE)}”"] if note else []


def _unknown() -> Response:
    return _page(404, "Link not found", lines=[UNKNOWN])


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("dashboard.alerts"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _page(
    status: int,
    title: str,
    about: str = "",
    lines: list[str] | None = None,
    *,
    button: str = "",
    asks_note: bool = False,
) -> Response:
    content = (
        _environment()
        .get_template("mail_link.html")
        .render(
            title=title,
            about=about,
            lines=lines or [],
            button=button,
            asks_note=asks_note,
            longest=LONGEST_NOTE,
            has_dashboard_button=status in _WITH_DASHBOARD_BUTTON,
        )
    )
    return HTMLResponse(content, status_code=status)
