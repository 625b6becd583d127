"""The sentences of a report that stand on no other page: intervals, coverage, methods, how to check it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from dashboard.orders import words as order_words
from dashboard.orders.facts import OrderFigures
from dashboard.ui import words
from storage.model.orders.cohort import CohortPeriod, Kind
from storage.model.text.countries import country_name
from storage.model.text.states import clean
from storage.orders.report_sources import ReportSources


def within(after: datetime | None, by: datetime) -> str:
    """Where a change lies, rounded outward to whole minutes, so that the true time is never outside."""
    end = _up(by)
    if after is None:
        return f"on or before {words.stamp(end)}"
    start = _down(after)
    if start.date() == end.date():
        return f"{words.day(end)}, between {words.clock(start)} and {words.clock(end)} UTC"
    return f"between {words.day(start)}, {words.clock(start)} and {words.stamp(end)}"


def blocked_words(blocked: CohortPeriod, country: str) -> str:
    """One time in which an account was blocked: when it began, when it ended, and what came then."""
    began = f"Began {within(blocked.onset_after, blocked.since)}"
    if blocked.onset_after is None:
        began = f"So at the first reading, {words.stamp(_up(blocked.since))}; since when is not known"
    if blocked.until is None or blocked.then is None:
        return f"{began}; not seen to end."
    then = order_words.kind_inside(blocked.then, country)
    return f"{began}; ended {within(blocked.last_seen, blocked.until)}, then {then}."


@dataclass(frozen=True, slots=True)
class Silences:
    """Times in which nothing was known of any account of the list."""

    times: int
    total: timedelta
    longest: tuple[datetime, datetime] | None
    unread: timedelta
    """Of `whole`, which is the time of the figures once for each account: what was not checked."""
    whole: timedelta


def silences(found: OrderFigures) -> Silences:
    """Folded from the steps of the curve, so that it says what the curve shows."""
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
    """How often somebody looked, and when nobody did."""
    start, looks = found.steps[0].at, behind.looks
    out = [
        f"The figures go from {words.stamp(start)} to {words.stamp(found.at)}. By its settings of now the "
        f"monitor reads every account every {words.span(sweep_every)}."
    ]
    held = f"{'was' if looks.held == 1 else 'were'} {_HELD}"
    failed = [f"{n:,} {what}" for n, what in ((looks.missed, "gave nothing"), (looks.held, held)) if n]
    asked = f"In that time {looks.answered:,} requests of the regular sweep were answered that asked for one "
    asked += f"or more of its accounts{''.join(f'; {one}' for one in failed)}."
    if looks.usual is not None:
        asked += (
            f" From one answer to the next of the same accounts it was {words.span(looks.usual)} (median)."
        )
    out.append(asked)
    out.append(
        f"An account counts as not checked before anything was confirmed of it, and where more than "
        f"{words.span(found.gap_after)} lie between two of its readings, or after the last one."
    )
    quiet = silences(found)
    if not quiet.whole:
        return out
    if quiet.longest is None:
        out.append("At no time was the whole list not checked.")
    else:
        times = "once" if quiet.times == 1 else f"{quiet.times:,} times"
        since, until = quiet.longest
        longest = f"{words.span(until - since)}, {words.stamp(since)} to {words.stamp(until)}"
        said = "it lasted" if quiet.times == 1 else f"together {words.span(quiet.total)}, the longest"
        out.append(f"The whole list was not checked {times}: {said} {longest}.")
    part = words.share(round(quiet.unread.total_seconds()), round(quiet.whole.total_seconds()))
    out.append(f"Of the time of all its accounts together, {part} was not checked.")
    never = sum(s.accounts for s in found.shares if s.kind is Kind.NEVER_READ)
    out.append(
        f"{words.accounts(never)} on the list {'was' if never == 1 else 'were'} never read."
        if never
        else "Something was confirmed of every account on the list."
    )
    if behind.imported:
        told = ", ".join(f"{n:,} from {clean(source, 80)}" for source, n in behind.imported)
        out.append(
            f"Some states were not seen by Blockline but taken over from published records: {told}. They "
            "stand only where Blockline did not look itself, and count as not checked."
        )
    return out


_HELD = "answered and not believed, since control accounts looked wrong"


def methods(found: OrderFigures) -> list[tuple[str, str]]:
    """How the figures came about, in plain words: a heading and what it means."""
    country = country_name(found.order.country)
    return [
        (
            "A reading",
            "Blockline asks the platform for an account and keeps what the answer says: available, "
            "withheld (in which countries), suspended, gone, protected. A request that fails, or an answer "
            "that contradicts itself, is no reading: it never opens, closes or shortens anything.",
        ),
        ("Confirmation", CONFIRMATION),
        (
            "When it happened",
            "A change lies between the last reading that contradicts it and the first that shows it. Both "
            "times are kept, and nothing is said about where between them. Confirmation does not move "
            "them. The intervals here are in UTC and rounded outward to whole minutes; figures as JSON "
            "and evidence packs have them exactly.",
        ),
        (
            "The band",
            "The line of the curve goes by the readings. The band around it is where the truth lies: at "
            "the least, each block began as late and ended as early as its readings allow; at the most, "
            "it began as early and ended as late.",
        ),
        (
            "Counted as blocked",
            f"Withheld in {country} or in all countries, and suspended everywhere: both hide the account "
            f"from readers in {country}, and both are the platform's acts. That an order was the reason is "
            "not claimed: no platform's answer says so.",
        ),
        (
            "Not counted as blocked",
            "Gone (not found, deactivated, suspended or deleted where the platform does not say which), "
            "since the owner may have done it; withheld elsewhere only; protected by the owner.",
        ),
        (
            "Shares",
            "A share is of the accounts on the order's list, unless another whole is named. Each account "
            "counts once, however often it was blocked.",
        ),
        (
            "What could not be observed",
            "Who asked for a block, and why; posts that were withheld while their account was not; what "
            "was between two readings; accounts that the order names and that are not on the list; how it "
            "looked from connections other than the monitor's own.",
        ),
    ]


CONFIRMATION = (
    "The first reading of an account is believed at once where it carries the account's own data. Of a "
    "change one reading is not believed. Where the platform itself says what it did, a second agreeing "
    "reading at least 1 minute after the first confirms it. Where an account is only absent, it takes 4: at "
    "least 1, 15 and 60 minutes after the first; 3 are enough if a change of the same list was confirmed in "
    "the 6 hours before. A contrary reading in between ends the matter as not confirmed. This report tells "
    "confirmed states only."
)


def _joined(spans: Iterator[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """Spans that follow each other without a break are one."""
    held: tuple[datetime, datetime] | None = None
    for start, end in spans:
        if held is not None and held[1] == start:
            held = held[0], end
        else:
            if held is not None:
                yield held
            held = start, end
    if held is not None:
        yield held


def _down(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def _up(at: datetime) -> datetime:
    down = _down(at)
    return down if down == at else down + timedelta(minutes=1)
