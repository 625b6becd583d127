"""What stands beside an account's status: side facts, other vantages, handles. None decides the status."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from dash import html
from dash.development.base_component import Component

from dashboard.causes.cards import causes_card
from dashboard.ui import words
from dashboard.ui.cards import Cell, table_card
from storage.accounts.handle_history import HandleEntry
from storage.accounts.posts import PostAuthor, StoredPost, StoredPosts
from storage.live.account_detail import AccountHistory
from storage.live.snapshot import LiveChange
from storage.model.causes.causes import StatedCause
from storage.model.causes.consistent_orders import consistent_orders
from storage.model.core.accounts import Platform
from storage.model.core.availability import ChangeKind, Flag, Outcome
from storage.model.core.orders import Order
from storage.model.core.people import Actor
from storage.model.core.side_facts import ObservedKind, SideFact
from storage.model.platforms.registry import DECLARED
from storage.model.text.side_facts import flag_words, observed_words, seen_as_words
from storage.model.text.states import capital, change_words, clean, state_words
from storage.model.text.units import number


def author_words(author: PostAuthor | None) -> list[Component]:
    """The author of a post, with a link if the account is stored; empty if the author is not known."""
    if author is None:
        return []
    name = clean(author.name, 120) if author.name.startswith("did:") else f"@{clean(author.name, 120)}"
    if author.account_id is None:
        note = ", not watched" if author.is_known else "; a stored account had this handle before"
        return [html.Div(["By ", name, html.Span(note, className="muted")])]
    link = html.A(name, href=f"/account/{author.account_id}", className="under")
    return [html.Div(["By ", link, *([] if author.watched else [", not watched"])])]


def posts_card(account: AccountHistory, found: StoredPosts, now: datetime) -> list[Component]:
    """The stored posts of an account, each with its last confirmed status; empty if there are none."""
    if not found.count:
        return []
    platform = Platform(account.platform)
    rest = found.count - len(found.posts)
    more = f"{rest:,} more {'post is' if rest == 1 else 'posts are'} not shown. Search for @{account.handle}/"
    return [
        table_card(
            "Its posts",
            f"{number(found.count, 'stored post')}, each with its last confirmed status",
            ("Post", "Status", "Since", "Last reading"),
            [_post(one, platform, now) for one in found.posts],
            *([html.P(f"{more}.", className="not-said")] if rest > 0 else []),
        )
    ]


def _post(one: StoredPost, platform: Platform, now: datetime) -> tuple[Cell, ...]:
    link = html.A(f"@{clean(one.handle, 120)}", href=f"/account/{one.account_id}", className="under")
    read = "never" if one.last_read_at is None else words.ago(one.last_read_at, now)
    return (
        html.Div([link, *([] if one.watched else [html.Small("not watched")])]),
        "No status is confirmed yet"
        if one.state is None
        else capital(state_words(one.state, platform, one.flags, of_post=True)),
        "–" if one.since is None else words.between(one.onset_after, one.since),
        read,
    )


def facts_card(account: AccountHistory, facts: tuple[SideFact, ...]) -> list[Component]:
    """Every side fact with both ends of the interval in which it began, and of that in which it ended."""
    if not facts:
        return []
    platform = Platform(account.platform)
    return [
        table_card(
            "Side facts",
            "recorded together with the status; they do not decide it",
            ("Fact", "Source", "Began", "Ended"),
            [
                (
                    capital(_fact(f, platform)),
                    _observer(f, platform),
                    words.between(f.last_absent, f.first_seen),
                    _ended(f),
                )
                for f in facts
            ],
        )
    ]


def _fact(fact: SideFact, platform: Platform) -> str:
    if isinstance(fact.kind, Flag):
        return flag_words(fact.kind, platform, fact.value)
    return observed_words(fact.kind, fact.value, platform)


def _observer(fact: SideFact, platform: Platform) -> str:
    if not fact.observer:
        declared = DECLARED[platform]
        return "its own server" if declared.is_federated else declared.name
    name = clean(fact.observer, 80)
    return f"seen from {name}" if fact.kind is ObservedKind.SEEN_AS else name


def _ended(fact: SideFact) -> str:
    if fact.first_absent is None:
        return "still true at the last reading"
    if fact.last_seen is None:
        return f"on or before {words.stamp(fact.first_absent)}"
    return words.between(fact.last_seen, fact.first_absent)


def vantages_card(account: AccountHistory, facts: tuple[SideFact, ...], now: datetime) -> list[Component]:
    """Vantages that saw something else than we do, side by side with what we see. Nothing is averaged."""
    elsewhere = [f for f in facts if f.kind is ObservedKind.SEEN_AS and f.first_absent is None]
    if not elsewhere:
        return []
    platform = Platform(account.platform)
    views = [_view("From here", _here(account, platform), _read(account, now))]
    views += [
        _view(
            f"From {clean(f.observer)}",
            capital(seen_as_words(f.value, platform)),
            f"first seen {words.stamp(f.first_seen)}"
            if f.last_absent is None
            else f"first seen {words.between(f.last_absent, f.first_seen)}",
        )
        for f in elsewhere
    ]
    return [
        html.Div(
            [
                html.Div(
                    [
                        html.H2("Other vantage points"),
                        html.Span("the status seen from each one, shown separately", className="faint"),
                    ],
                    className="card-head",
                ),
                html.Dl(views, className="facts views"),
            ],
            className="card",
        )
    ]


def _view(where: str, state: str, when: str) -> Component:
    return html.Div([html.Dt(where), html.Dd(state), html.Dd(when)])


def _here(account: AccountHistory, platform: Platform) -> str:
    if not account.spells:
        return "Nothing confirmed yet"
    current = account.spells[-1]
    return capital(state_words(current.state, platform, current.flags, of_post=account.is_post))


def _read(account: AccountHistory, now: datetime) -> str:
    last = account.seen.last
    return "never read" if last is None else f"last read {words.stamp(last)}, {words.ago(last, now)}"


def handles_card(account: AccountHistory, record: tuple[HandleEntry, ...]) -> list[Component]:
    """Renames that the readings saw, and what the platform's own record has, with its dates."""
    out: list[Component] = []
    if account.renames:
        rows: list[tuple[Cell, ...]] = [
            (
                f"@{clean(r.old, 120)}",
                f"@{clean(r.new, 120)}",
                words.between(r.last_seen_old, r.first_seen_new),
            )
            for r in account.renames
        ]
        title = "Renames of its author" if account.is_post else "Renames"
        note = "seen in readings; the id stayed the same"
        out.append(table_card(title, note, ("Old", "New", "Changed"), rows))
    if record:
        rows = [
            (
                f"@{clean(h.handle, 120)}",
                words.exact(h.since),
                clean(h.source, 80),
                words.stamp(h.first_seen_at),
            )
            for h in record
        ]
        note = "dates as the platform records them"
        out.append(table_card("Recorded handles", note, ("Handle", "Since", "Source", "Fetched"), rows))
    return out


_MOST_CHANGES = 20
"""Changes that a cause can be recorded for on the page, the newest."""


def account_causes_card(
    account: AccountHistory,
    causes: Sequence[StatedCause],
    documents: Mapping[bytes, str],
    naming: Sequence[Order],
    actor: Actor,
) -> Component:
    """`documents` are the names of the stored documents, by hash; `naming` are the orders that name it."""
    named = {c.subject.change_id for c in causes}
    shown = [c for c in account.changes if _is_shown(c)]
    older = [c for c in shown[_MOST_CHANGES:] if c.change_id in named]
    about = {f"account-{account.account_id}": f"The {account.noun} as it is"}
    about |= {f"change-{c.change_id}": _said(c) for c in (*shown[:_MOST_CHANGES], *older)}
    fitting = list(_fitting(account.changes, naming))
    return causes_card(causes, about, fitting, documents, actor, f"/account/{account.account_id}")


def _is_shown(change: LiveChange) -> bool:
    return change.kind is not ChangeKind.BASELINE and change.outcome in {None, Outcome.CONFIRMED}


def _said(change: LiveChange) -> str:
    said = change_words(change.kind, change.old, change.new, change.platform, change.flags, before=False)
    return f"{capital(said)}, seen {words.stamp(change.first_seen_new)}"


def _fitting(changes: Sequence[LiveChange], naming: Sequence[Order]) -> Iterator[str]:
    """A sentence for each change that fits an order, the newest first."""
    for change in changes:
        if not _is_shown(change):
            continue
        for order in consistent_orders(change.old, change.new, change.first_seen_new, naming):
            yield (
                f"{_said(change)}: consistent with order {clean(order.reference, 80)}, which names it. "
                "That is not a cause."
            )
