"""Pure: what others found when they looked at the names of an order, counted and no more."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.core.availability import State
from storage.model.core.orders import NameOutcome, OrderCheck, OrderName
from storage.model.orders.cohort import Kind, kind_in
from storage.model.orders.outside_checks import accounts_named


@dataclass(frozen=True, slots=True)
class OrderNameCounts:
    """What became of the names of an order that are on file."""

    accounts: int
    """Different accounts that they name, as far as can be told: by id where resolved, else by handle."""
    posts: int
    resolved: int
    ambiguous: int
    unresolvable: int
    not_tried: int
    """These four are of `accounts`."""


@dataclass(frozen=True, slots=True)
class OutsideAnswerCount:
    """How often one answer was given, in the words of the source."""

    answer: str
    state: State | None
    """None where it tells none of ours."""
    names: int


@dataclass(frozen=True, slots=True)
class Probe:
    """One source, one place from which it looked, and what it looked at."""

    source: str
    place: str
    of_post: bool
    at_from: datetime | None
    """Between when it looked; None where that was not recorded: then it dates no change."""
    at_to: datetime | None
    answers: tuple[OutsideAnswerCount, ...]
    """The most frequent first."""


@dataclass(frozen=True, slots=True)
class Outside:
    """All that others saw of the accounts that an order names. Two probes of one account may disagree."""

    probes: tuple[Probe, ...]
    by_kind: tuple[tuple[Kind, int], ...]
    """Accounts that any probe found so, in the order of `Kind`."""
    disagreeing: int
    """Accounts that are counted under more than one kind, since two probes answered differently."""


_WORST_FIRST = (NameOutcome.RESOLVED, NameOutcome.AMBIGUOUS, NameOutcome.UNRESOLVABLE, NameOutcome.NOT_TRIED)


def count_names(names: Sequence[OrderName]) -> OrderNameCounts:
    """Each account is counted once, under the best that became of any of its names."""
    best: dict[object, NameOutcome] = {}
    posts = 0
    who = _identities(names)
    for name in names:
        posts += name.post_id is not None
        # A post whose author is not told, or an address elsewhere, names no account that could be counted.
        if name.account_id is None and name.handle is None and (name.post_id or name.platform is None):
            continue
        key = who[name.order_name_id]
        best[key] = min(best.get(key, name.outcome), name.outcome, key=_WORST_FIRST.index)
    found = list(best.values())
    return OrderNameCounts(
        accounts=len(found),
        posts=posts,
        resolved=found.count(NameOutcome.RESOLVED),
        ambiguous=found.count(NameOutcome.AMBIGUOUS),
        unresolvable=found.count(NameOutcome.UNRESOLVABLE),
        not_tried=found.count(NameOutcome.NOT_TRIED),
    )


def outside(country: str, names: Sequence[OrderName], checks: Sequence[OrderCheck]) -> Outside:
    """What the probes say of the accounts, seen from the country of the order; of posts only the answers."""
    who = _identities(names)
    asked: defaultdict[tuple[str, str, bool], list[OrderCheck]] = defaultdict(list)
    kinds: defaultdict[object, set[Kind]] = defaultdict(set)
    for check in checks:
        asked[check.source, check.place, check.of_post].append(check)
        if check.state is not None and not check.of_post:
            kinds[who[check.order_name_id]].add(kind_in(country, check.state))
    return Outside(
        probes=tuple(_probe(key, found) for key, found in sorted(asked.items())),
        by_kind=tuple((kind, n) for kind in Kind if (n := sum(kind in some for some in kinds.values()))),
        disagreeing=sum(len(some) > 1 for some in kinds.values()),
    )


def _probe(key: tuple[str, str, bool], checks: Sequence[OrderCheck]) -> Probe:
    answers: defaultdict[tuple[str, State | None], int] = defaultdict(int)
    for check in checks:
        answers[check.answer, check.state] += 1
    counts = [OutsideAnswerCount(answer, state, n) for (answer, state), n in answers.items()]
    starts, ends = [c.at_from for c in checks], [c.at_to for c in checks]
    return Probe(
        *key,
        at_from=min((s for s in starts if s is not None), default=None),
        at_to=max((e for e in ends if e is not None), default=None),
        answers=tuple(sorted(counts, key=lambda a: (-a.names, a.answer))),
    )


def _identities(names: Sequence[OrderName]) -> dict[int, object]:
    """Which account each name is of: two names with one handle are one account, resolved or not."""
    by_handle = accounts_named(names)
    ids = {who: n.account_id for who, some in by_handle.items() for n in some if n.account_id is not None}
    whose = {n.order_name_id: who for who, some in by_handle.items() for n in some}
    return {
        n.order_name_id: n.account_id or ids.get(who := whose.get(n.order_name_id, (n.platform, n.said)), who)
        for n in names
    }
