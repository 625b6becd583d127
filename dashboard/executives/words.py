"""What is said of executives' acts: kinds, what cannot be seen, when each was made, doubts, associations."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.executives.person_engagement import AROUND, AssociationTest
from dashboard.ui.words import between, day, is_import, span, stamp
from storage.executives.executives_report import AccessSpan, ExecutivePerson, ExecutiveSignal, PersonAccount
from storage.model.core.accounts import Platform
from storage.model.core.signals import Doubt, SignalKind
from storage.model.orders.engagement_association import Association
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import PLATFORM_NAME, clean

PLURAL = {
    SignalKind.LIKE: "likes",
    SignalKind.REPOST: "reposts",
    SignalKind.QUOTE: "quotes",
    SignalKind.REPLY: "replies",
    SignalKind.POST: "posts",
    SignalKind.FOLLOW: "follows",
    SignalKind.UNFOLLOW: "unfollows",
}
DOUBTS = {
    Doubt.TIME_IMPOSSIBLE: "the record gives an impossible time; the time of observation is used instead",
    Doubt.LIKELY_RENAME: "likely a rename of the target; not counted",
    Doubt.TARGET_MAY_HAVE_BEEN_GONE: "the target may have been gone between the unfollow and the new follow",
    Doubt.TARGET_BY_HANDLE: "the record names the target only by its handle",
}
ASSOCIATION = "Association, not evidence of cause."


@dataclass(frozen=True, slots=True)
class Observability:
    """Whether a kind of act of one account can be seen: "likes on X" and "not observable since June 2024"."""

    kind: SignalKind
    platform: Platform
    observable: bool
    state: str
    reason: str

    @property
    def what(self) -> str:
        return f"{PLURAL[self.kind]} on {PLATFORM_NAME[self.platform]}"


def observability(account: PersonAccount) -> list[Observability]:
    """What was last found of each kind, else what holds of everybody on its platform."""
    found = {a.kind: a for a in account.access if a.until is None}
    out = [
        Observability(kind, account.platform, a.observable, _since(a), a.reason) for kind, a in found.items()
    ]
    out += [
        Observability(n.kind, account.platform, False, n.state, n.reason)
        for n in DECLARED[account.platform].not_observable
        if n.kind not in found
    ]
    return sorted(out, key=lambda o: list(SignalKind).index(o.kind))


def _since(access: AccessSpan) -> str:
    """What is found not observable may not have been so before either; `as of` leaves that open."""
    return f"{'observable since' if access.observable else 'not observable as of'} {day(access.since)}"


def before(account: PersonAccount) -> list[str]:
    """What was found before of a kind, where it changed."""
    return [
        f"{PLURAL[a.kind]} {'observable' if a.observable else 'not observable'} from {day(a.since)} to "
        f"{day(a.until)}"
        for a in account.access
        if a.until is not None
    ]


def not_seen(person: ExecutivePerson) -> dict[SignalKind, str]:
    """By kind what the figure says where nothing can be seen: never a zero."""
    out: dict[SignalKind, list[str]] = {}
    for account in person.accounts:
        for one in observability(account):
            if not one.observable:
                out.setdefault(one.kind, []).append(f"{one.what}: {one.state}")
    return {kind: " · ".join(dict.fromkeys(said)) for kind, said in out.items()}


def when(act: ExecutiveSignal) -> str:
    """When an act was made, as far as that is known."""
    if act.made_at is not None:
        return stamp(act.made_at)
    if act.made_after is not None:
        return between(act.made_after, act.first_seen_at)
    return f"by {stamp(act.first_seen_at)}"


def first_seen(act: ExecutiveSignal) -> str:
    if act.made_at is None:
        return stamp(act.first_seen_at)
    return f"{stamp(act.first_seen_at)}, {span(act.first_seen_at - act.made_at)} later"


def doubts(act: ExecutiveSignal) -> list[str]:
    """In words. That a target is named by its handle matters only where somebody on file is meant by it."""
    return [
        DOUBTS[Doubt(doubt)]
        for doubt in act.doubts
        if doubt != Doubt.TARGET_BY_HANDLE or act.target is not None
    ]


def target(act: ExecutiveSignal) -> str:
    """Who is meant, where that is nobody on file."""
    return clean(act.target_author_id, 60) if act.target_author_id is not None else "–"


def source(name: str) -> str:
    return (
        f"the record {clean(name.removeprefix('import:'), 60)}"
        if is_import(name)
        else "Blockline's collectors"
    )


@dataclass(frozen=True, slots=True)
class AssociationBars:
    """The two figures of a test side by side, both of `whole` engagements."""

    seen: int
    expected: float
    expected_words: str
    whole: int


def verdict(tested: AssociationTest, name: str) -> str:
    """What was found for one order and how often chance gives as much; it speaks of no cause."""
    found, title = tested.found, clean(tested.order.title, 80)
    if found.p is None:
        return f"{title}: no test is possible, because {found.why_not}."
    acts = "engagement" if found.toward == 1 else "engagements"
    lie = "lies" if found.in_windows == 1 else "lie"
    its = "the one dated event" if tested.events == 1 else f"one of the {tested.events} dated events"
    return (
        f"{clean(name)}: {found.in_windows:,} of {found.toward:,} {acts} with accounts that {title} names "
        f"{lie} within {span(AROUND)} of {its} of this order, where {_about(found.expected)} would be "
        f"expected. Of {found.shifts} random shifts of the series, {_as_many(found)} as many or more "
        f"(p = {found.p:.3f})."
    )


def bars(tested: AssociationTest) -> AssociationBars | None:
    """The figures of the verdict; None if there is no test."""
    found = tested.found
    if found.p is None:
        return None
    return AssociationBars(found.in_windows, found.expected, _about(found.expected), found.toward)


def method(tested: AssociationTest, name: str) -> list[str]:
    """How the figures of one order were counted, in sentences."""
    found, title = tested.found, clean(tested.order.title, 80)
    looked = (
        f"{title}: the engagements come from {source(tested.source)}; the observed time is "
        f"{span(found.observed)}."
    )
    if found.p is None:
        return [looked]
    those = "this event" if tested.events == 1 else "these events"
    out = [
        looked,
        f"Expected is what {clean(name)}'s own usual rate gives for the same time.",
        f"Each of the {found.shifts} shifts moves the whole series along the observed time and counts the "
        f"engagements within {span(AROUND)} of {those}: p = {found.p:.3f}.",
    ]
    if found.active is not None:
        out.append(
            f"If these accounts had the same share of {clean(name)}'s engagements within that time as "
            f"overall, {_about(found.active)} would be expected."
        )
    return out


def _as_many(found: Association) -> str:
    """How many shifts have at least what was seen, with its verb. p counts what was seen as one more."""
    n = 0 if found.p is None else round(found.p * (found.shifts + 1)) - 1
    return "none has" if n == 0 else f"{n:,} {'has' if n == 1 else 'have'}"


def _about(number: float) -> str:
    return f"{number:.1f}" if number < 10 else f"{number:,.0f}"


def by_chance(tested: Sequence[AssociationTest]) -> str:
    """What many tests do: said where there are several."""
    n = sum(t.found.p is not None for t in tested)
    return f"{n} tests were made. By chance alone, one test in twenty has p = 0.05 or less." if n > 1 else ""
