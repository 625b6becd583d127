"""Undelivered emails as a table, each with a button that sends it again."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.auth import access
from dashboard.ui import alert_words, words
from dashboard.ui.cards import Cell, table_card
from dashboard.ui.forms import form
from dashboard.ui.time_markup import QUOTED
from storage.alerts.mails_report import MailLine
from storage.model.alerts.alerts import MailState
from storage.model.core.people import Actor
from storage.model.text.states import clean


def undelivered_card(mails: Sequence[MailLine], actor: Actor, back: str) -> list[Component]:
    """`back` is the page that it stands on. Nothing when all arrived."""
    if not mails:
        return []
    may = actor.role.includes(access.RESEND)
    dead = sum(m.state is MailState.DEAD for m in mails)
    return [
        table_card(
            "Undelivered emails",
            f"{dead:,} failed permanently, {len(mails) - dead:,} waiting",
            ("Email", "Recipient", "Status", "Error", *(("",) if may and dead else ())),
            [
                (
                    subject(m),
                    ", ".join(clean(r, 80) for r in m.recipients),
                    delivery_status(m),
                    clean(m.last_error, 300) if m.last_error else "–",
                    *((_again(m, back),) if may and dead else ()),
                )
                for m in mails
            ],
        )
    ]


def subject(mail: MailLine) -> Component:
    """Its subject as it was sent, with what kind of mail it is."""
    link = html.A(clean(mail.subject, 200), href=f"/mail/{mail.mail_id}", className=QUOTED)
    return html.Div([link, *_kind(mail)], className="subject")


def _kind(mail: MailLine) -> list[Component]:
    return [
        html.Small(
            f"{alert_words.mail_kind(mail.kind, mail.subject)}, written {words.stamp(mail.created_at)}"
        )
    ]


def delivery_status(mail: MailLine) -> Component:
    """Its state, how often it was tried, and when it was accepted or is tried next."""
    state = html.Span(alert_words.MAIL_STATE[mail.state], className=f"state {mail.state.value}")
    tried = words.attempts(mail.attempts) if mail.attempts else "no attempt yet"
    after = f"next {words.stamp(mail.next_attempt_at)}" if mail.next_attempt_at is not None else None
    if mail.sent_at is not None:
        after = f"accepted {words.stamp(mail.sent_at)}"
    if mail.merged_into is not None:
        after = f"email {mail.merged_into} contains both"
    return html.Div([state, html.Small(tried), *([html.Small(after)] if after is not None else [])])


def _again(mail: MailLine, back: str) -> Cell:
    return (
        form("resend", [], "Send again", back, sends=("mail", str(mail.mail_id)))
        if mail.state is MailState.DEAD
        else ""
    )
