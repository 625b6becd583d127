"""The Mail page: the emails with their recipients and status, and each one to read."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.alerts.deliveries import Chosen, address
from dashboard.auth import access
from dashboard.auth.signed_links import without_tokens
from dashboard.ui import words
from dashboard.ui.alert_words import MAIL_STATE, actor_words, mail_kind
from dashboard.ui.forms import form, line
from dashboard.ui.time_markup import QUOTED
from storage.alerts.mails_report import MailLine
from storage.alerts.threads_report import MailThread, ThreadMail, ThreadStatus
from storage.model.alerts.alerts import Mail, MailKind, MailState
from storage.model.core.people import Actor
from storage.model.text.states import capital, clean

LIMIT = 200


def mail_page(
    lines: Sequence[MailLine],
    chosen: Chosen,
    opened: Mail | None,
    thread: MailThread | None,
    actor: Actor,
    tag: list[Component],
) -> Component:
    """The list at the left, the opened mail with its `thread` at the right.

    `lines` are those that are `chosen`, one more than are shown where others follow.
    """
    head = html.Div(
        [
            html.H1("Mail"),
            *tag,
            html.Span("Sent, queued and failed emails and messages", className="muted"),
        ],
        className="bar",
    )
    if not lines and chosen == Chosen():
        return html.Div(
            [
                head,
                html.Div(
                    [
                        html.H2("No emails yet"),
                        html.P(
                            [
                                "Blockline writes an email when a rule selects a confirmed change. The rules "
                                "are on the page ",
                                html.A("Alerts", href="/alerts", className="under"),
                                ".",
                            ]
                        ),
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
                                    html.H2("Emails"),
                                    html.Span(_many(len(lines)), className="faint"),
                                    html.A(
                                        "Delivery log",
                                        href=address(chosen),
                                        className="under",
                                    ),
                                ],
                                className="card-head",
                            ),
                            _states(chosen),
                            html.Div([_line(m, chosen, m.mail_id == current) for m in lines[:LIMIT]])
                            if lines
                            else html.P("No email matches this filter.", className="nothing"),
                            *_turns(lines, chosen),
                        ],
                        className="card mails",
                    ),
                    html.Div(_reading(opened, thread, actor), className="card"),
                ],
                className="two",
            ),
        ]
    )


def _many(n: int) -> str:
    return f"{LIMIT} per page, newest first" if n > LIMIT else f"{n}, newest first"


def _states(chosen: Chosen) -> Component:
    """A link for each state; the chosen one is marked."""
    links = [_link("All", replace(chosen, state=None, before=None), marked=chosen.state is None)]
    links += [
        _link(capital(MAIL_STATE[s]), replace(chosen, state=s, before=None), marked=chosen.state is s)
        for s in (MailState.DEAD, MailState.QUEUED, MailState.SENT, MailState.MERGED)
    ]
    named: dict[str, Any] = {"aria-label": "States"}
    return html.Nav(links, className="filters", **named)


def _turns(lines: Sequence[MailLine], chosen: Chosen) -> list[Component]:
    links = [] if chosen.before is None else [_link("Newest", replace(chosen, before=None))]
    if len(lines) > LIMIT:
        links.append(_link("Older", replace(chosen, before=lines[LIMIT - 1].mail_id)))
    named: dict[str, Any] = {"aria-label": "Pages"}
    return [html.Nav(links, className="filters turns", **named)] if links else []


def _link(name: str, chosen: Chosen, *, marked: bool = False) -> Component:
    aria: dict[str, Any] = {"aria-current": "true"} if marked else {}
    return html.A(name, href=address(chosen, "/mail"), **aria)


def _line(mail: MailLine, chosen: Chosen, current: bool) -> Component:
    aria: dict[str, Any] = {"aria-current": "true"} if current else {}
    people = mail.recipients[0] if len(mail.recipients) == 1 else f"{len(mail.recipients)} recipients"
    return html.A(
        [
            html.Span(mail.subject, className=f"subject {QUOTED}"),
            html.Span(
                [
                    html.Span(MAIL_STATE[mail.state], className=f"state {mail.state.value}"),
                    *(
                        [html.Span(mail_kind(mail.kind, mail.subject))]
                        if mail.kind is not MailKind.WAVE
                        else []
                    ),
                    html.Span(words.stamp(mail.sent_at or mail.created_at)),
                    html.Span(f"to {people}"),
                ],
                className="meta",
            ),
        ],
        href=address(chosen, f"/mail/{mail.mail_id}"),
        className="mail-line",
        **aria,
    )


def _reading(mail: Mail | None, thread: MailThread | None, actor: Actor) -> list[Component]:
    if mail is None:
        return [html.P("Select an email to read it.", className="nothing")]
    return [
        html.Div(
            [
                html.H2(mail.subject, className=QUOTED),
                html.Div(f"{_kind(mail, thread)} to {', '.join(mail.recipients)}", className="muted"),
                html.Div([delivery(mail), *_merged(mail)], className="muted"),
                *_acknowledged(mail, thread, actor),
                *_again(mail, actor),
            ],
            className="mail-head",
        ),
        # The sandbox is empty: no scripts, no forms, no links of the mail act inside the dashboard.
        html.Iframe(
            srcDoc=pictured(mail), sandbox="", className="mail-frame", title="The email as it was sent"
        ),
        *_left_out(mail),
        *_thread(mail, thread),
        html.Details(
            [
                html.Summary("Plain text"),
                html.Pre(without_tokens(mail.text_body), className="mail-text"),
            ]
        ),
        html.Details(
            [
                html.Summary("Technical details"),
                html.Pre(f"Message-ID: {mail.message_id}\nAttempts: {mail.attempts}", className="mail-text"),
            ]
        ),
    ]


def _left_out(mail: Mail) -> list[Component]:
    if without_tokens(mail.text_body) == mail.text_body:
        return []
    return [
        html.P(
            "Links are shown without their signature, which only the recipient may use.", className="nothing"
        )
    ]


def pictured(mail: Mail) -> str:
    """The mail's HTML with its picture in it: a mail program finds it in the message, a browser does not.

    What its links are signed with is only for whom it was sent to.
    """
    shown = without_tokens(mail.html_body)
    if mail.picture is None:
        return shown
    data = f"data:image/png;base64,{b64encode(mail.picture).decode()}"
    return shown.replace('src="cid:picture"', f'src="{data}"')


def _kind(mail: Mail, thread: MailThread | None) -> str:
    kind = capital(mail_kind(mail.kind, mail.subject))
    if thread is None or thread.wave is None:
        return kind
    return f"{kind}, group {thread.wave} of {thread.note.waves} in its incident,"


def _acknowledged(mail: Mail, thread: MailThread | None, actor: Actor) -> list[Component]:
    if thread is None:
        return []
    if thread.note.is_acknowledged:
        return [html.Div(acknowledged_words(thread.note), className="muted")]
    lines: list[Component] = [html.Div(f"Not acknowledged{_earlier(thread.note)}", className="muted")]
    if actor.role.includes(access.ACKNOWLEDGE):
        note, back = line("note", "Note", "note (optional)"), f"/mail/{mail.mail_id}"
        lines.append(form("acknowledge", [note], "Acknowledge", back, sends=("story", thread.note.story_key)))
    return lines


def acknowledged_words(note: ThreadStatus) -> str:
    """Who acknowledged an incident, and the note."""
    when = "" if note.acknowledged_at is None else f" on {words.stamp(note.acknowledged_at)}"
    said = f": “{clean(note.note, 500)}”" if note.note else ""
    return f"Acknowledged by {actor_words(note.acknowledged_by or '')}{when}{said}"


def _earlier(note: ThreadStatus) -> str:
    if not note.acknowledged_wave:
        return ""
    return (
        f"; {actor_words(note.acknowledged_by or '')} acknowledged group {note.acknowledged_wave}, and "
        "further changes followed"
    )


def _merged(mail: Mail) -> list[str | Component]:
    """A link to the mail that says what this one says."""
    if mail.merged_into is None:
        return []
    later = html.A(
        f"email {mail.merged_into} contains both", href=f"/mail/{mail.merged_into}", className="under"
    )
    return [": ", later]


def _again(mail: Mail, actor: Actor) -> list[Component]:
    if mail.state in {MailState.QUEUED, MailState.MERGED} or not actor.role.includes(access.RESEND):
        return []
    return [form("resend", [], "Send again", f"/mail/{mail.mail_id}", sends=("mail", str(mail.mail_id)))]


def _thread(mail: Mail, thread: MailThread | None) -> list[Component]:
    """The emails to the same recipient about the same incident."""
    if thread is None or len(thread.mails) < 2:
        return []
    return [
        html.Details(
            [
                html.Summary(f"{len(thread.mails)} emails of this incident"),
                html.Div([_of_thread(m, m.mail_id == mail.mail_id) for m in thread.mails]),
            ],
            open=True,
        )
    ]


def _of_thread(mail: ThreadMail, current: bool) -> Component:
    aria: dict[str, Any] = {"aria-current": "true"} if current else {}
    wave = f", group {mail.wave}" if mail.wave is not None else ""
    return html.A(
        [
            html.Span(clean(mail.subject, 200), className=f"subject {QUOTED}"),
            html.Span(
                [
                    html.Span(MAIL_STATE[mail.state], className=f"state {mail.state.value}"),
                    html.Span(f"{mail_kind(mail.kind, mail.subject)}{wave}"),
                    html.Span(words.stamp(mail.at)),
                ],
                className="meta",
            ),
        ],
        href=f"/mail/{mail.mail_id}",
        className="mail-line",
        **aria,
    )


def delivery(mail: Mail) -> str:
    """Where the mail is on its way, with the reason when it is not sent."""
    if mail.state is MailState.SENT:
        return f"Accepted by the mail server {_at(mail.sent_at)}"
    if mail.state is MailState.MERGED:
        written = _at(mail.created_at)
        return f"Written {written}; no mail server accepted it, and it was merged into a later email"
    why = f": {mail.last_error}" if mail.last_error else ""
    if mail.state is MailState.DEAD:
        return f"Failed permanently after {words.attempts(mail.attempts)}{why}"
    if mail.attempts == 0:
        return f"Written {_at(mail.created_at)}, not sent yet{why}"
    return f"Next attempt {_at(mail.next_attempt_at)}, {mail.attempts} failed{why}"


def _at(at: datetime | None) -> str:
    return "at an unknown time" if at is None else words.stamp(at)
