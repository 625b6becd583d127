"""Pure: count what others found when they checked the names of an order."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import Platform
from storage.model.core.availability import State
from storage.model.core.orders import NameOutcome, OrderCheck, OrderName
from storage.model.orders.cohort import Kind, kind_in
from storage.model.orders.outside_checks import account_in


@dataclass(frozen=True, slots=True)
class NamedCounts:
    """How many accounts, or posts, the names of an order name, each counted once."""

    named: int
    """The sum of the others. They are told apart by id if resolved, else by handle."""
    resolved: int
    ambiguous: int
    unresolvable: int
    not_tried: int


@dataclass(frozen=True, slots=True)
class OrderNameCounts:
    """Outcomes of the stored names of an order."""

    accounts: NamedCounts
    posts: NamedCounts
    not_observable: int
    """Addresses of sites that Blockline does not read, of accounts or of posts. In neither of the others,
    because nobody looked at what they name.
    """
    withdrawn: int
    """Names that the order no longer names. They are in no other count."""


@dataclass(frozen=True, slots=True)
class OutsideAnswerCount:
    """The number of times that an answer was given, in the words of the source."""

    answer: str
    state: State | None
    """None means that the answer matches no state of Blockline."""
    names: int


@dataclass(frozen=True, slots=True)
class Probe:
    """Checks by one source from one place, of accounts or of posts."""

    source: str
    place: str
    of_post: bool
    at_from: datetime | None
    """Start and end of the checks; None if not recorded, and then they date no change."""
    at_to: datetime | None
    answers: tuple[OutsideAnswerCount, ...]
    """The most frequent first."""


@dataclass(frozen=True, slots=True)
class Outside:
    """Everything that others observed of the accounts that an order names. Two probes may disagree."""

    probes: tuple[Probe, ...]
    by_kind: tuple[tuple[Kind, int], ...]
    """Accounts that any probe found in each kind, in the order of `Kind`."""
    disagreeing: int
    """Accounts that count in more than one kind, because two probes gave different answers."""


_WORST_FIRST = (NameOutcome.RESOLVED, NameOutcome.AMBIGUOUS, NameOutcome.UNRESOLVABLE, NameOutcome.NOT_TRIED)


def count_names(names: Sequence[OrderName]) -> OrderNameCounts:
    """Count each account and each post once, with the best outcome of its names; withdrawn names apart."""
    withdrawn = sum(name.withdrawal is not None for name in names)
    names = [name for name in names if name.withdrawal is None]
    return OrderNameCounts(
        accounts=_counts([name for name in names if name.post_id is None]),
        posts=_counts([name for name in names if name.post_id is not None]),
        not_observable=sum(name.outcome is NameOutcome.NOT_OBSERVABLE for name in names),
        withdrawn=withdrawn,
    )


def _counts(names: Sequence[OrderName]) -> NamedCounts:
    best: dict[object, NameOutcome] = {}
    ids = {_words_of(n): n.account_id for n in names if n.account_id is not None}
    for name in names:
        if name.outcome is NameOutcome.NOT_OBSERVABLE:
            continue
        # An address elsewhere names nothing that could be counted. A name that a line end cuts does,
        # although it is not known which.
        is_nothing = name.account_id is None and name.platform is None and name.handle is None
        if is_nothing and name.outcome is not NameOutcome.AMBIGUOUS:
            continue
        key = name.account_id or ids.get(_words_of(name), _words_of(name))
        best[key] = min(best.get(key, name.outcome), name.outcome, key=_WORST_FIRST.index)
    found = list(best.values())
    return NamedCounts(
        named=len(found),
        resolved=found.count(NameOutcome.RESOLVED),
        ambiguous=found.count(NameOutcome.AMBIGUOUS),
        unresolvable=found.count(NameOutcome.UNRESOLVABLE),
        not_tried=found.count(NameOutcome.NOT_TRIED),
    )


def _words_of(name: OrderName) -> tuple[Platform | None, str]:
    """What a name is called: two with one handle are one account, resolved or not."""
    return (name.platform, name.said if name.handle is None else name.handle.lower())


def outside(country: str, names: Sequence[OrderName], checks: Sequence[OrderCheck]) -> Outside:
    """Summarise the probes, for readers in the country of the order. For posts only the answers count.

    Checks of withdrawn names are left out.
    """
    named = {name.order_name_id for name in names if name.withdrawal is None}
    checks = [check for check in checks if check.order_name_id in named]
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
    """Return the account in each name. Two names with one handle are one account, resolved or not."""
    of = {n.order_name_id: account_in(n) or (n.platform, n.said) for n in names}
    ids = {of[n.order_name_id]: n.account_id for n in names if n.account_id and n.post_id is None}
    return {number: ids.get(who, who) for number, who in of.items()}
