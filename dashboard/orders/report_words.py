"""The sentences that only a report has: intervals, coverage and methods."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from dashboard.orders import words as order_words
from dashboard.orders.facts import OrderFigures
from dashboard.ui import words
from storage.model.orders.cohort import CohortPeriod, Kind
from storage.model.text.countries import country_name
from storage.model.text.states import capital, clean
from storage.model.text.units import number
from storage.orders.report_sources import ReportSources


def within(after: datetime | None, by: datetime) -> str:
    """Return the interval of a change, rounded outward to whole minutes so that it contains the true time."""
    end = _up(by)
    if after is None:
        return f"on or before {words.stamp(end)}"
    start = _down(after)
    if start.date() == end.date():
        return f"{words.day(end)}, between {words.clock(start)} and {words.clock(end)} UTC"
    return f"between {words.day(start)}, {words.clock(start)} and {words.stamp(end)}"


def blocked_words(blocked: CohortPeriod, country: str) -> str:
    """Describe one block of an account: when it began, when it ended, and the kind after it."""
    began = f"Began {within(blocked.onset_after, blocked.since)}"
    if blocked.onset_after is None:
        began = (
            f"Blocked at the first reading, {words.stamp(_up(blocked.since))}, so its beginning is not known"
        )
    if blocked.until is None or blocked.then is None:
        return f"{began}; no end was seen."
    then = order_words.kind_inside(blocked.then, country)
    return f"{began}; ended {within(blocked.last_seen, blocked.until)}, then {then}."


@dataclass(frozen=True, slots=True)
class Silences:
    """Times in which no account, or no post, of the list was checked."""

    times: int
    total: timedelta
    longest: tuple[datetime, datetime] | None
    unread: timedelta
    """Part of `whole` that was not checked."""
    whole: timedelta
    """Length of the figures times the number of accounts, or of posts, on the list."""


def silences(found: OrderFigures) -> Silences:
    """Compute the silences from the steps of the curve, so that both agree."""
    ends = [*(s.at for s in found.steps), found.at]
    spans = [(start, end, s.unread) for (start, end), s in zip(pairwise(ends), found.steps, strict=True)]
    silent = list(_joined((start, end) for start, end, unread in spans if 0 < found.watched <= unread))
    return Silences(
        times=len(silent),
        total=sum((end - start for start, end in silent), timedelta(0)),
        longest=max(silent, key=lambda s: s[1] - s[0], default=None),
        unread=sum(((end - start) * unread for start, end, unread in spans), timedelta(0)),
        whole=(ends[-1] - ends[0]) * found.watched,
    )


def coverage_words(found: OrderFigures, behind: ReportSources, sweep_every: timedelta) -> list[str]:
    """Say how often accounts and posts were checked, and when none was."""
    start, sweeps = found.steps[0].at, behind.sweeps
    out = [
        f"The figures cover {words.stamp(start)} to {words.stamp(found.at)}. With the current settings, "
        f"Blockline reads every account every {words.span(sweep_every)}."
    ]
    failed = [
        f"{n:,} {what}" for n, what in ((sweeps.missed, "missed"), (sweeps.quarantined, _QUARANTINED)) if n
    ]
    asked = "In that time, requests of the regular sweep for one or more accounts on the order's list: "
    asked += f"{', '.join([f'{sweeps.answered:,} answered', *failed])}."
    if sweeps.usual is not None:
        asked += f" The median time between two answers for the same accounts was {words.span(sweeps.usual)}."
    out.append(asked)
    out.append(
        f"{capital(order_words.any_of(found))} counts as not checked until its first status is confirmed. It "
        f"also counts as not checked when more than {words.span(found.gap_after)} pass between two of its "
        "readings, or after its last reading."
    )
    for one in found.sections:
        out += _silence_words(one, is_alone=len(found.sections) == 1)
    if behind.imported:
        sources = ", ".join(f"{n:,} from {clean(source, 80)}" for source, n in behind.imported)
        out.append(
            f"Some statuses come from published records, not from Blockline's readings: {sources}. They are "
            "used only for times in which Blockline made no check. Such times count as not "
            "checked."
        )
    return out


def _silence_words(found: OrderFigures, *, is_alone: bool) -> list[str]:
    out: list[str] = []
    quiet, noun = silences(found), found.noun
    if not quiet.whole:
        return out
    if quiet.longest is None:
        out.append(f"At every moment, at least one {noun} of the list counted as checked.")
    else:
        since, until = quiet.longest
        longest = f"{words.span(until - since)}, from {words.stamp(since)} to {words.stamp(until)}"
        times = f"once, for {longest}"
        if quiet.times > 1:
            times = (
                f"{quiet.times:,} times, {words.span(quiet.total)} in total. The longest time was {longest}"
            )
        all_of_it = "The whole list was" if is_alone else f"All {noun}s of the list were"
        out.append(f"{all_of_it} unchecked {times}.")
    part = words.share(round(quiet.unread.total_seconds()), round(quiet.whole.total_seconds()))
    out.append(f"Added up over all {noun}s, {part} of the time was not checked.")
    never = sum(s.accounts for s in found.shares if s.kind is Kind.NEVER_READ)
    out.append(
        f"{number(never, noun)} on the list {'was' if never == 1 else 'were'} never read."
        if never
        else f"At least one status was confirmed for every {noun} on the list."
    )
    return out


_QUARANTINED = "quarantined because control accounts looked wrong"


def methods(found: OrderFigures) -> list[tuple[str, str]]:
    """Explain how the figures were made: headings, each with its text."""
    country = country_name(found.order.country)
    return [
        (
            "A reading",
            "Blockline asks the platform for an account or a post and records the answer: available, "
            "withheld (in which countries), suspended, gone or protected. A failed request or a "
            "contradictory answer is not a reading. It never begins, ends or shortens a status period.",
        ),
        ("Confirmation", CONFIRMATION),
        (
            "Time of a change",
            "A change lies between the last reading that contradicts it and the first reading that shows it. "
            "Both times are kept, and no time between them is claimed. Confirmation does not move them. The "
            "intervals here are in UTC, rounded outward to whole minutes. The JSON figures and evidence "
            "packs have the exact times.",
        ),
        (
            "The band",
            "The line shows the number blocked according to the readings. For checked accounts, the true "
            "number lies within the band. Its lower edge assumes that each block began as late and ended as "
            "early as the readings allow. Its upper edge assumes the earliest beginning and the latest end.",
        ),
        (
            "Counted as blocked",
            f"Withheld in {country} or in all countries, and suspended everywhere. Both hide it "
            f"from readers in {country}, and both are done by the platform. The report does not conclude "
            "that an order was the reason. What people and documents say about it is listed under Causes.",
        ),
        (
            "Not counted as blocked",
            "Accounts and posts that are gone (not found, deactivated, or “suspended or deleted” where the "
            "platform does not say which), because the owner may have removed them. Those withheld "
            "only in other countries. Those protected by their owner.",
        ),
        (
            "Shares",
            "Each share refers to the accounts, or to the posts, on the order's list, unless another total "
            "is named. Each counts once, however often it was blocked.",
        ),
        (
            "Not observed",
            "Who asked for a block, and why. Posts that are not on the list, which may be withheld while "
            "their account is not. What happened between two readings. Accounts that the order names but "
            "that are not on the list. "
            "What connections other than Blockline's own would show.",
        ),
    ]


CONFIRMATION = (
    "The first reading of an account is confirmed at once if it carries the account's own data. A change "
    "needs more than one reading. If the platform itself says what it did, a second agreeing reading at "
    "least 1 minute after the first confirms the change. If the account is only absent, it takes 4 readings: "
    "the first, and others at least 1, 15 and 60 minutes after it. Only 3 are needed if a change of the "
    "same list was confirmed in the 6 hours before. If a contrary reading comes in between, the change is "
    "not confirmed. This report shows confirmed statuses only."
)


def _joined(spans: Iterator[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """Join spans that follow each other without a break."""
    span: tuple[datetime, datetime] | None = None
    for start, end in spans:
        if span is not None and span[1] == start:
            span = span[0], end
        else:
            if span is not None:
                yield span
            span = start, end
    if span is not None:
        yield span


def _down(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def _up(at: datetime) -> datetime:
    down = _down(at)
    return down if down == at else down + timedelta(minutes=1)
