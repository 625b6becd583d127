"""The card of causes: who says why, the orders that a change fits, and the forms to record and correct."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from dash import html
from dash.development.base_component import Component

from dashboard.causes.form import cause_fields, each_of
from dashboard.causes.routes import WRITE_CAUSES
from dashboard.ui import words
from dashboard.ui.cards import Cell, table_card
from dashboard.ui.time_markup import QUOTED
from storage.model.causes.breakdown import breakdown
from storage.model.causes.causes import StatedCause, standing
from storage.model.causes.words import KIND_WORDS, NONE_RECORDED, cause_words
from storage.model.core.people import Actor
from storage.model.text.states import capital, clean

_MOST = 20
"""Causes that the card shows, each with its forms."""


def causes_card(
    causes: Sequence[StatedCause],
    about: Mapping[str, str],
    fitting: Sequence[str],
    documents: Mapping[bytes, str],
    actor: Actor,
    back: str,
) -> Component:
    """`causes` are all rows, superseded ones too. `about` are the things that a cause can be recorded for, by
    `account-12`, `change-7` or `order-3` and words, the page's own first. `fitting` says which orders fit.
    `documents` are the names of the stored documents, by hash.
    """
    may_write = actor.role.includes(WRITE_CAUSES)
    stated = standing(causes)
    numbers = {c.cause_id for c in stated}
    past = [c for c in reversed(causes) if c.cause_id not in numbers]
    body: list[Component] = [
        html.Ul(
            [_cause(c, about, documents, back, may_write=may_write) for c in stated[:_MOST]],
            className="notes",
        ),
        *_not_shown(len(stated)),
    ]
    if not stated:
        body = [html.P(NONE_RECORDED, className="nothing")]
    body += [html.P(sentence, className="not-said") for sentence in fitting]
    if past:
        older = [_cause(c, about, documents, back, may_write=False) for c in past[:_MOST]]
        body.append(
            html.Details(
                [
                    html.Summary(f"{len(past):,} corrected or withdrawn"),
                    html.Ul(older, className="notes"),
                    *_not_shown(len(past)),
                ]
            )
        )
    return html.Div(
        [
            html.Div(
                [
                    html.H2("Causes"),
                    html.Span("stated by people and documents, never concluded", className="faint"),
                    html.Span(className="grow"),
                    html.A("All causes", href="/causes", className="under"),
                ],
                className="card-head",
            ),
            *body,
            *([_recording(about, back)] if may_write else []),
        ],
        className="card narrow",
        id="causes",
    )


def _not_shown(count: int) -> list[Component]:
    if count <= _MOST:
        return []
    left = "1 more is" if count == _MOST + 1 else f"{count - _MOST:,} more are"
    return [html.P(f"{left} stored. “blockline causes list --past” has all.", className="not-said")]


def shared_causes_card(
    changes: Mapping[int, int], causes: Mapping[int, Sequence[StatedCause]], actor: Actor, back: str
) -> Component:
    """How many of these changes have which surest cause, and the form to record one for all of them.

    `changes` are the numbers of changes with those of their accounts; `causes` all rows about the accounts
    and their changes, by account.
    """
    said = {
        change: [c for c in standing(causes.get(account, ())) if c.subject.change_id in {None, change}]
        for change, account in changes.items()
    }
    rows: list[tuple[Cell, ...]] = [
        (
            "Not known" if share.kind is None else capital(KIND_WORDS[share.kind]),
            "" if share.confidence is None else capital(share.confidence.value),
            f"{len(share.numbers):,}",
        )
        for share in breakdown(said.items())
    ]
    all_of = "The change" if len(changes) == 1 else f"Each of the {len(changes):,} changes"
    about = each_of("change", list(changes), all_of)
    may_write = actor.role.includes(WRITE_CAUSES) and about
    return table_card(
        "Causes",
        "of changes to blocked or gone; stated by people and documents, never concluded",
        ("Cause", "Confidence", "Changes"),
        rows,
        *([_recording(about, back)] if may_write else []),
    )


def _cause(
    cause: StatedCause,
    about: Mapping[str, str],
    documents: Mapping[bytes, str],
    back: str,
    *,
    may_write: bool,
) -> Component:
    said = cause_words(cause.text)
    key = f"{cause.subject.kind}-{cause.subject.number}"
    # A change that was corrected since is not among those that a cause can be recorded for.
    of = "" if key == next(iter(about)) else f"{about.get(key, capital(cause.subject.name))}. "
    verb = "withdrawn" if cause.is_withdrawn else "recorded"
    number = f"Cause {cause.cause_id}, {verb} by {clean(cause.recorded_by)}, {words.stamp(cause.recorded_at)}"
    note = [html.P(cause.text.note, className=f"note {QUOTED}")] if cause.text.note else []
    forms = [_correcting(cause, back), _withdrawing(cause, back)] if may_write else []
    return html.Li(
        [
            html.P(html.Del(said) if cause.is_withdrawn else said),
            *note,
            *_document(cause, documents),
            html.Small(f"{of}{number}"),
            *forms,
        ]
    )


def _document(cause: StatedCause, documents: Mapping[bytes, str]) -> list[Component]:
    """Where the document of a cause can be downloaded, with the start of its hash."""
    if cause.document is None:
        return []
    name = documents.get(cause.document)
    if name is None:
        return [html.P("Its document was purged.", className="not-said")]
    link = html.A(clean(name, 120), href=f"/api/v1/causes/{cause.cause_id}/document", className="under")
    return [html.P(["Document: ", link, f", SHA-256 {cause.document.hex()[:12]}…"])]


def _recording(about: Mapping[str, str], back: str) -> Component:
    button = html.Button("Record cause", type="submit", className="button")
    form = html.Form(
        [*cause_fields(None, about), button],
        action=_address("record", back),
        method="post",
        className="form writing",
    )
    return html.Details([html.Summary("Record a cause"), form])


def _correcting(cause: StatedCause, back: str) -> Component:
    named: dict[str, Any] = {"name": "cause", "value": str(cause.cause_id)}
    button = html.Button("Save correction", type="submit", className="button", **named)
    form = html.Form(
        [*cause_fields(cause.text, {}), button],
        action=_address("correct", back),
        method="post",
        className="form writing",
    )
    return html.Details([html.Summary("Correct"), form])


def _withdrawing(cause: StatedCause, back: str) -> Component:
    named: dict[str, Any] = {"name": "cause", "value": str(cause.cause_id)}
    label = f"Withdraw cause {cause.cause_id}"
    button = html.Button("Withdraw", type="submit", className="link", **{"aria-label": label}, **named)
    return html.Form(button, action=_address("withdraw", back), method="post", className="form")


def _address(act: str, back: str) -> str:
    return f"/api/causes/{act}?back={quote(back)}"
