"""The mails: what was sent to whom, what waits, what was given up and why; and each one to read."""

from datetime import datetime
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard import words
from storage.model.alerts import Mail, MailState
from storage.reports_mail import MailLine

LIMIT = 200
STATE_WORDS = {
    MailState.SENT: "sent",
    MailState.QUEUED: "queued",
    MailState.DEAD: "given up",
}


def mail_page(lines: tuple[MailLine, ...], opened: Mail | None, tag: list[Component]) -> Component:
    """The list at the left, the opened mail (None: the newest is offered) at the right."""
    head = html.Div(
        [
            html.H1("Mail"),
            *tag,
            html.Span("what was told to whom, and when", className="muted"),
        ],
        className="bar",
    )
    if not lines:
        return html.Div(
            [
                head,
                html.Div(
                    [
                        html.H2("No mail yet"),
                        html.P("A mail is written when a change is confirmed and somebody is to be told."),
                    ],
                    className="card empty",
                ),
            ]
        )
    current = opened.mail_id if opened else None
    return html.Div(
        [
            head,
            html.Div(
                [
                    html.Div(
                        [
                            html.Div(
                                [
                                    html.H2("Mails"),
                                    html.Span(_many(len(lines)), className="faint"),
                                ],
                                className="card-head",
                            ),
                            html.Div([_line(line, line.mail_id == current) for line in lines]),
                        ],
                        className="card mails",
                    ),
                    html.Div(_reading(opened), className="card"),
                ],
                className="two",
            ),
        ]
    )


def _many(n: int) -> str:
    return f"newest {LIMIT}" if n == LIMIT else f"{n}, newest first"


def _line(line: MailLine, current: bool) -> Component:
    aria: dict[str, Any] = {"aria-current": "true"} if current else {}
    people = line.recipients[0] if len(line.recipients) == 1 else f"{len(line.recipients)} recipients"
    return html.A(
        [
            html.Span(line.subject, className="subject"),
            html.Span(
                [
                    html.Span(STATE_WORDS[line.state], className=f"state {line.state.value}"),
                    html.Span(words.stamp(line.sent_at or line.created_at)),
                    html.Span(f"to {people}"),
                ],
                className="meta",
            ),
        ],
        href=f"/mail/{line.mail_id}",
        className="mail-line",
        **aria,
    )


def _reading(mail: Mail | None) -> list[Component]:
    if mail is None:
        return [html.P("Choose a mail to read it.", className="nothing")]
    return [
        html.Div(
            [
                html.H2(mail.subject),
                html.Div(f"To {', '.join(mail.recipients)}", className="muted"),
                html.Div(delivery(mail), className="muted"),
            ],
            className="mail-head",
        ),
        # The sandbox is empty: no scripts, no forms, no links of the mail act inside the dashboard.
        html.Iframe(
            srcDoc=mail.html_body, sandbox="", className="mail-frame", title="The mail as it was sent"
        ),
        html.Details([html.Summary("Text alternative"), html.Pre(mail.text_body, className="mail-text")]),
        html.Details(
            [
                html.Summary("Technical details"),
                html.Pre(f"Message-ID: {mail.message_id}\nAttempts: {mail.attempts}", className="mail-text"),
            ]
        ),
    ]


def delivery(mail: Mail) -> str:
    """Where the mail is on its way, with the reason when it is not sent."""
    if mail.state is MailState.SENT:
        return f"Accepted by the mail server {_at(mail.sent_at)}"
    why = f": {mail.last_error}" if mail.last_error else ""
    if mail.state is MailState.DEAD:
        return f"Given up after {mail.attempts} attempts{why}"
    if mail.attempts == 0:
        return f"Written {_at(mail.created_at)}, not sent yet{why}"
    return f"Next attempt {_at(mail.next_attempt_at)}, {mail.attempts} failed{why}"


def _at(at: datetime | None) -> str:
    return "at an unknown time" if at is None else words.stamp(at)
