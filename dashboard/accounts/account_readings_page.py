"""Every reading of an account on demand: its time, its result, and the evidence that is kept."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from dash import html
from dash.development.base_component import Component

from dashboard.accounts.account_history_cards import packs_address
from dashboard.accounts.account_readings import ReadingsPage, ReadingsRange
from dashboard.accounts.answer_page import answer_page_address
from dashboard.ui import time_markup, words
from storage.live.account_detail import AccountHistory
from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag
from storage.model.text.side_facts import flag_words, missed_words
from storage.model.text.states import capital, clean
from storage.readings.evidence import ReadingEvidence
from storage.readings.readings import StoredMiss, StoredReading

COLUMNS = ("Time", "Result", "Strength", "Source", "Recorded", "Evidence")


def readings_card(
    account: AccountHistory, asked: ReadingsPage | str | None, now: datetime, *, may_pack: bool = False
) -> Component:
    """`asked` is what the address asks for, the sentence why that cannot be had, or None for nothing.

    With `may_pack`, a link leads to the evidence packs of the changes in the period shown, if there are any.
    """
    shown = asked if isinstance(asked, ReadingsPage) else None
    return html.Div(
        [
            html.Div(
                [
                    html.H2("Readings"),
                    html.Span(
                        "of the period chosen, in UTC; evidence is kept for readings around a change",
                        className="faint",
                    ),
                ],
                className="card-head",
            ),
            html.Div(_choices(account, shown, now), className="filters"),
            _form(account, shown),
            *([html.P(asked, className="nothing", role="alert")] if isinstance(asked, str) else []),
            *(_packs(account, shown.stretch) if shown is not None and may_pack else []),
            *(_table(account, shown) if shown is not None else []),
        ],
        className="card narrow",
        id="readings",
    )


def _packs(account: AccountHistory, stretch: ReadingsRange) -> list[Component]:
    n = sum(stretch.since <= change.first_seen_new < stretch.until for change in account.changes)
    if not n:
        return []
    link = html.A(
        "Download evidence packs",
        href=packs_address(account.account_id, stretch.since, stretch.until),
        className="under",
    )
    first_seen = "1 change was" if n == 1 else f"{n:,} changes were"
    return [html.P([f"{first_seen} first seen in this period. ", link, "."], className="nothing")]


def address(account_id: int, since: datetime, until: datetime, page: int = 1) -> str:
    """Of the page with these readings on it."""
    fields: dict[str, Any] = {"from": _written(since), "to": _written(until)}
    if page > 1:
        fields["page"] = page
    return f"/account/{account_id}?{urlencode(fields, safe=':')}"


def _written(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M}"


def _choices(account: AccountHistory, shown: ReadingsPage | None, now: datetime) -> Sequence[Component]:
    """A few stretches of time, each a link; beside a day that is shown, those around it."""
    end = (account.seen.last or now).replace(second=0, microsecond=0) + timedelta(minutes=1)
    spans = (("Last 24 hours", 1), ("7 days", 7), ("30 days", 30))
    links = [(label, end - timedelta(days=days), end) for label, days in spans]
    if shown is not None:
        length = shown.stretch.until - shown.stretch.since
        since, until = shown.stretch.since, shown.stretch.until
        links += [("◀ Earlier", since - length, since), ("Later ▶", until, until + length)]
    here = None if shown is None else (shown.stretch.since, shown.stretch.until)
    return [
        html.A(
            label,
            href=address(account.account_id, since, until),
            **({"aria-current": "true"} if here == (since, until) else {}),  # pyright: ignore[reportArgumentType]
        )
        for label, since, until in links
    ]


def _form(account: AccountHistory, shown: ReadingsPage | None) -> Component:
    wild: dict[str, Any] = {"data-line": ""}
    values = ("", "") if shown is None else (_written(shown.stretch.since), _written(shown.stretch.until))
    fields = [
        html.Label(
            [
                html.Span(label),
                html.Textarea(
                    value,
                    name=name,
                    rows=1,
                    placeholder=hint,
                    spellCheck="false",
                    **wild,
                ),
            ]
        )
        for name, label, hint, value in (
            ("from", "From", "2021-02-11", values[0]),
            ("to", "To (day included)", "2021-02-12", values[1]),
        )
    ]
    return html.Form(
        [*fields, html.Button("Show", type="submit", className="button")],
        action=f"/account/{account.account_id}",
        method="get",
        className="form looks",
    )


def _table(account: AccountHistory, looks: ReadingsPage) -> list[Component]:
    platform = Platform(account.platform)
    stretch = looks.stretch
    counted = f"{looks.readings:,} {'reading' if looks.readings == 1 else 'readings'}"
    tried = f"{looks.missed:,} {'attempt' if looks.missed == 1 else 'attempts'} without a conclusive answer"
    missed = f", {tried}" if looks.missed else ""
    sentence = f"{counted}{missed}, from {words.stamp(stretch.since)} to {words.stamp(stretch.until)}."
    if not looks.rows:
        return [
            html.P(
                f"{sentence} The {account.noun} was not read in this period, so its status is not known.",
                className="nothing",
            )
        ]
    rows = [_row(account, look, looks, platform) for look in looks.rows]
    table = json.dumps({"columns": COLUMNS, "rows": rows})
    return [
        html.P(sentence, className="nothing"),
        html.Div(**{"data-table": table}),  # pyright: ignore[reportArgumentType]  # a wildcard attribute
        *_pager(account.account_id, stretch, looks.pages),
    ]


def _row(
    account: AccountHistory, look: StoredReading | StoredMiss, looks: ReadingsPage, platform: Platform
) -> dict[str, object]:
    late = words.span(look.recorded_at - look.at) if look.recorded_at - look.at > timedelta(minutes=1) else ""
    recorded = f"{late} later" if late else "at once"
    where = f"batch {look.roster_id}" + (f", {clean(look.vantage)}" if look.vantage else "")
    why = looks.why.get(look.roster_id)
    source = {"text": where, **({"small": words.WHY_READ[why]} if why is not None else {})}
    at = time_markup.pieces(words.exact(look.at))
    if isinstance(look, StoredMiss):
        cells: list[object] = [
            {"text": at},
            {"text": "No reading", "small": capital(missed_words(look.reason, platform, alone=look.alone))},
            {"text": "–"},
            source,
            {"text": recorded},
            {"text": ""},
        ]
        return {"cells": cells, "class": "no-act"}
    flags = "; ".join(flag_words(f, platform) for f in sorted(look.flags) if f is not Flag.WITH_AUTHOR)
    silent = f"does not mention {', '.join(sorted(look.silent_on))}" if look.silent_on else ""
    more = "; ".join(part for part in (flags, silent) if part)
    return {
        "cells": [
            {"text": at},
            {"text": words.state(look.state, platform, look.flags), **({"small": more} if more else {})},
            {"text": f"{look.strength.value} evidence"},
            source,
            {"text": recorded},
            _evidence_cell(account.account_id, looks.evidence.get(look.at, ())),
        ]
    }


def _evidence_cell(account_id: int, kept: Sequence[ReadingEvidence]) -> dict[str, object]:
    if not kept:
        return {"text": "–"}
    first = kept[0]
    hashed = f"sha256 {first.sha256.hex()[:12]}…"
    if not first.is_there:
        return {"text": "only its hash is kept", "small": hashed}
    return {
        "text": f"of change {first.change_id}",
        "href": answer_page_address(account_id, first),
        "small": hashed,
    }


def _pager(account_id: int, stretch: ReadingsRange, pages: int) -> Sequence[Component]:
    if pages == 1:
        return []
    links: list[Component] = [html.Span(f"Page {stretch.page:,} of {pages:,}", className="muted")]
    for label, page in (("◀ Newer", stretch.page - 1), ("Older ▶", stretch.page + 1)):
        if 1 <= page <= pages:
            href = address(account_id, stretch.since, stretch.until, page)
            links.append(html.A(label, href=href, className="button small"))
    return [html.Nav(links, className="pager", **{"aria-label": "Pages of readings"})]  # pyright: ignore[reportArgumentType]
