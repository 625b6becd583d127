"""One stored answer of a platform, readable: each line, with those marked on which the status rests."""

from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component

from dashboard.ui import words
from dashboard.ui.cards import card
from storage.live.snapshot import LiveChange, changes
from storage.model.core.accounts import Platform
from storage.model.evidence.decisive import MOST_LINES, AnswerLine, readable
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import capital, clean, state_words
from storage.postgres.pool import Conn
from storage.readings.evidence import EvidenceSide, ReadingEvidence, evidence_of, load_sound

EVIDENCE = "evidence"
"""The part of the address after the account's."""


@dataclass(frozen=True, slots=True)
class PlatformAnswer:
    """One side of a change, and what is stored of the answer that shows it."""

    account_id: int
    handle: str
    native_id: str
    platform: Platform
    kept: ReadingEvidence
    change: LiveChange
    content: bytes | None
    """None if it was purged, has expired, or does not match its hash."""

    @property
    def is_post(self) -> bool:
        return DECLARED[self.platform].is_post(self.native_id)


async def read_answer_of(conn: Conn, account_id: int, change_id: int, side: str) -> PlatformAnswer | None:
    """Read one side of a change of an account; None if there is no evidence of it."""
    kept = next(
        (k for k in await evidence_of(conn, account_id) if (k.change_id, k.side) == (change_id, side)), None
    )
    row = await conn.fetchrow(
        "select platform, native_id, handle from account where account_id = $1", account_id
    )
    if kept is None or row is None:
        return None
    (change,) = await changes(conn, None, [change_id])
    content = (await load_sound(conn, [kept.sha256])).get(kept.sha256)
    platform = Platform(row["platform"])
    return PlatformAnswer(account_id, row["handle"], row["native_id"], platform, kept, change, content)


def answer_page_address(account_id: int, kept: ReadingEvidence) -> str:
    """The page of the answer behind one side of a change."""
    return f"/account/{account_id}/{EVIDENCE}/{kept.change_id}/{kept.side}"


def answer_page(found: PlatformAnswer, tag: list[Component]) -> Component:
    """Return the page of a stored answer."""
    address = f"/api/account/{found.account_id}/{EVIDENCE}/{found.kept.change_id}/{found.kept.side}"
    download = [html.Span(className="grow"), html.A("Download as stored", href=address, className="button")]
    return html.Div(
        [
            html.Div(
                [
                    html.A("Accounts", href="/accounts", className="under"),
                    html.Span("/", className="faint"),
                    html.A(
                        f"@{clean(found.handle, 120)}", href=f"/account/{found.account_id}", className="under"
                    ),
                    html.Span("/", className="faint"),
                    html.Span(f"Answer of change {found.kept.change_id}"),
                    *tag,
                    *(download if found.kept.is_there else []),
                ],
                className="bar",
            ),
            html.Div(
                card("Answer of the platform", _note(found), _facts(found), *_content(found)),
                className="stack",
            ),
        ]
    )


def _note(found: PlatformAnswer) -> str:
    is_old = found.kept.side is EvidenceSide.OLD
    which = "the last reading before the change" if is_old else "the first reading after the change"
    return f"{which}; only what concerns this {'post' if found.is_post else 'account'} is stored"


def _facts(found: PlatformAnswer) -> Component:
    change = found.change
    is_old = found.kept.side is EvidenceSide.OLD
    state = (
        (words.state(change.old, found.platform, None) if change.old else "–")
        if is_old
        else capital(state_words(change.new, found.platform, change.flags, then=True, of_post=found.is_post))
    )
    rows: list[tuple[str, str | Component]] = [
        ("Status read", state),
        ("Reading", words.exact(found.kept.at)),
        ("SHA-256", html.Span(found.kept.sha256.hex(), className="mono")),
    ]
    return html.Table(
        html.Tbody([html.Tr([html.Th(name, scope="row"), html.Td(value)]) for name, value in rows]),
        className="papers belongs",
    )


def _content(found: PlatformAnswer) -> list[Component]:
    if not found.kept.is_there:
        why = "The content was purged or has expired. Only its hash is still stored."
        return [html.P(why, className="nothing")]
    if found.content is None:
        why = "The stored content does not match its hash, so it is not shown and proves nothing."
        return [html.P(why, className="nothing")]
    lines = readable(found.content, DECLARED[found.platform].decisive)
    rest = len(lines) - MOST_LINES
    note = "Marked: the lines on which the status rests." if any(one.is_decisive for one in lines) else ""
    if rest > 0:
        note += f" {rest:,} more {'line is' if rest == 1 else 'lines are'} in the file."
    return [
        *([html.P(note.strip(), className="not-said")] if note else []),
        html.Pre([part for one in lines[:MOST_LINES] for part in _line(one)], className="answer", tabIndex=0),
    ]


def _line(one: AnswerLine) -> list[str | Component]:
    """A line, its indent outside of the mark."""
    text = one.text.lstrip(" ")
    before = one.text[: len(one.text) - len(text)]
    return [f"{before}", html.Mark(text), "\n"] if one.is_decisive else [f"{one.text}\n"]
