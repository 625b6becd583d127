"""How a cohort stands after a wave: how many accounts, and posts, of how many are in each state. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from jobs.alerting.policy import AlertGroup
from storage.model.alerts.alerts import AlertChange, AlertRow, AlertStage, ListStatus
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status
from storage.model.text.states import counts_as_blocked, of_many, short_words

COUNTS_LISTED = 8


@dataclass(frozen=True, slots=True)
class CohortCount:
    """How many accounts, or posts, of the cohort are in one state, of how many, and what this mail adds."""

    label: str
    share: str
    difference: str


def counts(wave: AlertGroup, status: ListStatus | None) -> list[CohortCount]:
    """The cohort as it stood after this wave, most affected first; states that the wave emptied included. The
    rows of its posts follow those of its accounts.
    """
    if status is None or wave.cohort is None:
        return []
    named = wave.cohort.order.named_count if wave.cohort.order else 0
    whole = f"{named:,} named accounts" if named >= status.watched else f"{status.watched:,} watched accounts"
    rows = _rows(status, [a for a in wave.alerts if not a.change.is_post], whole)
    if named > status.watched:
        rows.append(CohortCount("not watched here", f"{named - status.watched:,} of {whole}", ""))
    posts = status.posts or ListStatus(0, ())
    of_posts = [a for a in wave.alerts if a.change.is_post]
    rows_of_posts = _rows(posts, of_posts, f"{posts.watched:,} watched posts")
    return rows + [replace(row, label=f"posts {row.label}") for row in rows_of_posts]


def _rows(status: ListStatus, alerts: Sequence[AlertRow], whole: str) -> list[CohortCount]:
    difference = _difference(alerts)
    now = Counter({(platform, state): n for platform, state, n in status.states})
    touched = set(now) | {state_of for state_of, n in difference.items() if n}
    # Words of two platforms may be the same: such accounts are counted together.
    ranks: dict[str, int] = {}
    shown: Counter[str] = Counter()
    more: Counter[str] = Counter()
    for platform, state in touched:
        words = of_many(short_words(state, platform, None))
        ranks[words] = _rank(platform, state)
        shown[words] += now[platform, state]
        more[words] += difference[platform, state]
    ranked = sorted(ranks, key=lambda w: (ranks[w], -shown[w], w))
    rows = [
        CohortCount(words, f"{shown[words]:,} of {whole}", _more(more[words]))
        for words in ranked[:COUNTS_LISTED]
    ]
    if rest := sum(shown[words] for words in ranked[COUNTS_LISTED:]):
        rows.append(CohortCount("in other states", f"{rest:,} of {whole}", ""))
    if unread := status.watched - shown.total():
        rows.append(CohortCount("watched, not read yet", f"{unread:,} of {whole}", ""))
    return rows


def _difference(alerts: Iterable[AlertRow]) -> Counter[tuple[Platform, State]]:
    """How many more accounts are in each state after these changes than before them."""
    first: dict[int, AlertChange] = {}
    last: dict[int, AlertChange] = {}
    confirmed = [a for a in alerts if a.stage is AlertStage.CONFIRMED]
    for alert in sorted(confirmed, key=lambda a: (a.change.first_seen_new, a.change.change_key)):
        first.setdefault(alert.change.account_id, alert.change)
        last[alert.change.account_id] = alert.change
    out: Counter[tuple[Platform, State]] = Counter()
    for account_id, change in last.items():
        out[change.platform, change.new] += 1
        if (old := first[account_id].old) is not None:
            out[change.platform, old] -= 1
    return out


def _rank(platform: Platform, state: State) -> int:
    if counts_as_blocked(state.status, platform):
        return 0
    return 1 if state.status.is_blocked or state.status.is_gone else 2


def standing_of(change: AlertChange, status: ListStatus) -> int:
    """How many accounts of the cohort stand as this change left its account."""
    return sum(
        n for platform, state, n in status.states if (platform, state) == (change.platform, change.new)
    )


def available(status: ListStatus) -> int:
    """How many accounts of the cohort stand as anybody would wish."""
    open_to_all = {Status.AVAILABLE, Status.PROTECTED}
    return sum(n for _, state, n in status.states if state.status in open_to_all)


def _more(n: int) -> str:
    """Not simply "more": a rule that is about a part of a list, or a mute, leaves changes to others."""
    return f"{abs(n):,} {'more' if n > 0 else 'fewer'} in this email" if n else ""
