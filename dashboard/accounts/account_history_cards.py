"""The exact tables of one account: its newest changes, what was corrected, and its newest gaps."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from dash import html
from dash.development.base_component import Component

from dashboard.accounts.account_context import AccountContext, shown_gaps
from dashboard.accounts.account_words import gap_words
from dashboard.accounts.answer_page import answer_page_address
from dashboard.asgi.problem_json import API
from dashboard.ui import words
from dashboard.ui.cards import MOST_ROWS, Cell, empty_card, not_shown, table_card
from storage.live.account_detail import AccountHistory
from storage.live.snapshot import LiveChange
from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag
from storage.model.text.states import capital, short_words, state_words
from storage.readings.evidence import EvidenceSide, ReadingEvidence
from storage.readings.missed_report import Misses


def is_cut(account: AccountHistory) -> bool:
    """Whether there are more changes or gaps than their tables show."""
    return max(len(account.changes), len(account.seen.gaps)) > MOST_ROWS


def changes_card(account: AccountHistory, around: AccountContext, *, may_pack: bool = False) -> Component:
    """Return the newest changes, each side with what the platform said; with `may_pack`, each with a link to
    its evidence pack.
    """
    if not account.changes:
        return empty_card("Changes", "each happened between two readings", "No changes yet.")
    return table_card(
        "Changes",
        "each happened between two readings",
        (
            "Change",
            "From",
            "To",
            "Last old reading",
            "First new reading",
            "Window",
            "Outcome",
            "Recorded",
        ),
        [
            _row(c, account, around, [_pack_link(c.change_id)] if may_pack else [])
            for c in account.changes[:MOST_ROWS]
        ],
        *not_shown(
            len(account.changes),
            "changes",
            html.Code("blockline export changes"),
            " has them, among those of all accounts.",
        ),
        html.P(
            [
                "An evidence pack is a file that proves one change. ",
                html.A(
                    "Download the packs of all changes",
                    href=packs_address(account.account_id),
                    className="under",
                ),
                ". Check either on any machine with: ",
                html.Code("blockline evidence verify FILE"),
            ]
            if may_pack
            else ["Evidence pack of a change: ", html.Code("blockline evidence NUMBER")],
            className="not-said",
        ),
    )


def packs_address(account_id: int, since: datetime | None = None, until: datetime | None = None) -> str:
    """Of the file with the evidence packs of an account, of a period if one is given."""
    address = f"{API}/accounts/{account_id}/evidence-packs"
    if since is None or until is None:
        return address
    ends = {"from": since.astimezone(UTC).isoformat(), "to": until.astimezone(UTC).isoformat()}
    return f"{address}?{urlencode(ends)}"


def _pack_link(change_id: int) -> Component:
    address = f"{API}/changes/{change_id}/evidence-pack"
    return html.Small(html.A("Download evidence pack", href=address, className="under"))


def _proof(account_id: int, kept: ReadingEvidence | None, said: Sequence[str]) -> list[Component]:
    """What the platform said that shows one side of a change, and the way to the whole answer."""
    if kept is None:
        return []
    if not kept.is_there:
        return [html.Small("Answer: only its hash is kept")]
    link = html.A("Read the answer", href=answer_page_address(account_id, kept), className="under")
    return [html.Div([*map(html.Code, said), html.Small(link)], className="proof")]


def _row(
    change: LiveChange, account: AccountHistory, around: AccountContext, pack: list[Component]
) -> tuple[Cell, ...]:
    platform = Platform(account.platform)
    kept = {one.side: one for one in around.evidence if one.change_id == change.change_id}
    old, new = (
        _proof(account.account_id, kept.get(side), around.said.get((change.change_id, side), ()))
        for side in (EvidenceSide.OLD, EvidenceSide.NEW)
    )
    window = "–" if change.last_seen_old is None else words.span(change.first_seen_new - change.last_seen_old)
    return (
        html.Div(_named(change)),
        html.Div([words.state(change.old, platform, None) if change.old else "–", *old]),
        html.Div(
            [
                capital(state_words(change.new, platform, change.flags, then=True, of_post=account.is_post)),
                *_author_then(change, around),
                *new,
            ]
        ),
        words.exact(change.last_seen_old) if change.last_seen_old else "none",
        words.exact(change.first_seen_new),
        window,
        html.Div([*_outcome(change, account.noun), *pack]),
        words.stamp(change.recorded_at),
    )


def _named(change: LiveChange) -> list[Component | str]:
    first = Flag.FIRST_SEEN in change.flags
    name = "First state seen"
    if not first:
        name = words.change_name(change.kind, change.new, change.platform, change.flags)
    return [name, html.Small(f"no. {change.change_id}")]


def _author_then(change: LiveChange, around: AccountContext) -> list[Component]:
    """For a status that a post has with its author: what readings of the author's account showed then."""
    author = around.author
    if Flag.WITH_AUTHOR not in change.flags or author is None or author.account_id is None:
        return []
    at = change.first_seen_new
    then = [s for s in around.author_spells if s.since <= at and (s.until is None or at < s.until)]
    seen = "no confirmed status"
    if then:
        when = words.between(then[0].onset_after, then[0].since)
        seen = f"{short_words(then[0].state, change.platform, then[0].flags)}, which began {when}"
    link = html.A("Its author's account", href=f"/account/{author.account_id}", className="under")
    return [html.Small([link, f" then, by its own readings: {seen}"])]


def _outcome(change: LiveChange, noun: str) -> list[Component | str]:
    if change.outcome is None:
        return [
            html.Span("provisional", className="chip"),
            html.Small(f"{words.readings(change.readings)} so far, no email yet"),
        ]
    head: Component | str = (
        "confirmed" if change.outcome == "confirmed" else html.Span("not confirmed", className="chip")
    )
    why = words.reason(change.reason or "", change.readings, noun)
    when = f" {words.stamp(change.decided_at)}" if change.decided_at else ""
    corrected = [html.Small("corrected later; the earlier record is below")] if change.supersedes else []
    return [head, when, html.Small(why), *corrected, *_mailed(change)]


def _mailed(change: LiveChange) -> list[Component]:
    if change.mail_id is None:
        return []
    return [html.Small(html.A("email sent", href=f"/mail/{change.mail_id}", className="under"))]


def superseded_card(account: AccountHistory) -> list[Component]:
    """Changes that were corrected later: they were shown and perhaps sent, so they stay visible."""
    if not account.superseded:
        return []
    platform = Platform(account.platform)
    return [
        table_card(
            "Corrected changes",
            "shown until a correction replaced them",
            ("Change", "To", "Last old reading", "First new reading", "Known from", "Until"),
            [
                (
                    html.Div(_named(c)),
                    html.Div([html.Del(words.state(c.new, platform, c.flags)), *_said(c)]),
                    words.exact(c.last_seen_old) if c.last_seen_old else "none",
                    words.exact(c.first_seen_new),
                    words.exact(c.recorded_at),
                    words.exact(c.superseded_at) if c.superseded_at else "",
                )
                for c in account.superseded[:MOST_ROWS]
            ],
            *not_shown(len(account.superseded), "corrected changes"),
        )
    ]


def _said(change: LiveChange) -> list[Component]:
    """What had come of a change before it was corrected."""
    outcome = (change.outcome or "provisional").replace("_", " ")
    when = f" {words.exact(change.decided_at)}" if change.decided_at else ""
    return [html.Small(f"{outcome}{when}"), *_mailed(change)]


def gaps_card(account: AccountHistory, around: AccountContext) -> list[Component]:
    """The newest silences between two readings, and why nothing was learned in each."""
    gaps = shown_gaps(account)
    if not gaps:
        return []
    platform = Platform(account.platform)
    missed: defaultdict[datetime, list[Misses]] = defaultdict(list)
    for miss in around.misses:
        missed[miss.since].append(miss)
    slow = {answer.since: answer for answer in around.slow_answers}
    return [
        table_card(
            "Gaps",
            "times without a reading; the status then is not known",
            ("Last reading before", "First reading after", "Length", "Cause"),
            [
                (
                    words.exact(g.since),
                    words.exact(g.until),
                    words.span(g.until - g.since),
                    gap_words(missed[g.since], platform, slow.get(g.since), account.noun),
                )
                for g in reversed(gaps)
                if g.until is not None
            ],
            *not_shown(
                len(account.seen.gaps),
                "gaps",
                html.Code("blockline export readings"),
                " has the readings on both sides of each, ",
                html.Code("blockline export coverage"),
                " the attempts, both for all accounts.",
            ),
        )
    ]
