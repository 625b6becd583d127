"""Pure: what the figures of sizing are called, and what each rests on: for the command and for the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from storage.model.core.accounts import Platform
from storage.model.limits.daily_cost_shares import PER_LIST, USD_PER_READ, most_sentinels
from storage.model.sizing import facts
from storage.model.sizing.facts import TERMS, FigureBasis
from storage.model.sizing.question import PlannerKind, Room, SizingQuestion
from storage.model.sizing.sizing import Figure, FigureName, ListDelay, ListWatch, Sizing, Unit
from storage.model.text.states import PLATFORM_NAME
from storage.model.text.units import size_words, span

BASIS_WORDS = MappingProxyType(
    {
        FigureBasis.DOCUMENTED: "the platform says so, or it follows from what it says",
        FigureBasis.MEASURED: "by Blockline's benches on two cores, multiplied; yours differ",
        FigureBasis.SIMULATED: "in simulations, not with real accounts",
        FigureBasis.ESTIMATE: "a formula or a supposition that nothing has borne out in general",
        FigureBasis.RULE: "arithmetic from what was asked for and from how Blockline works",
    }
)
BESIDE = (
    "Readings that confirm a change, retries and requests for one account alone come on top: on Bluesky and "
    "Mastodon up to three for each account that an answer leaves out."
)
_DELAYS = "How late a change is seen"
_GROUPS: Mapping[str, tuple[FigureName, ...]] = MappingProxyType(
    {
        "Requests": (
            FigureName.ROSTER_SIZE,
            FigureName.REQUESTS_A_SWEEP,
            FigureName.SWEEP,
            FigureName.READINGS_AN_HOUR,
            FigureName.REQUESTS_AN_HOUR,
            FigureName.REQUESTS_A_DAY,
            FigureName.LIMIT_AN_HOUR,
            FigureName.FASTEST_SWEEP,
        ),
        "What a day's ceiling pays for": (
            FigureName.PAID_A_DAY,
            FigureName.CONTROLS_A_DAY,
            FigureName.SENTINELS_A_DAY,
            FigureName.IN_TURN_A_DAY,
            FigureName.RESERVE_A_DAY,
            FigureName.ROUND,
        ),
        _DELAYS: (
            FigureName.DELAY,
            FigureName.DELAY_IN_A_BURST,
            FigureName.DELAY_AT_MOST,
            FigureName.CONFIRMED_STRONG,
            FigureName.CONFIRMED_WEAK,
        ),
        "What X charges": (FigureName.USD_A_DAY, FigureName.USD_A_DAY_AT_MOST),
        "Database": (
            FigureName.BYTES_AT_FIRST,
            FigureName.BYTES_A_DAY,
            FigureName.CHANGE_BYTES_A_DAY,
            FigureName.BYTES_A_YEAR,
        ),
        "Machine": (FigureName.CORES, FigureName.WORKERS, FigureName.MEMORY),
    }
)
_NAMES = MappingProxyType(
    {
        FigureName.ROSTER_SIZE: "Watched accounts in a request",
        FigureName.REQUESTS_A_SWEEP: "Requests to read everybody once",
        FigureName.SWEEP: "Readings for everybody once in",
        FigureName.READINGS_AN_HOUR: "Readings an hour",
        FigureName.REQUESTS_AN_HOUR: "Requests an hour",
        FigureName.REQUESTS_A_DAY: "Requests a day",
        FigureName.LIMIT_AN_HOUR: "Requests an hour that are allowed",
        FigureName.FASTEST_SWEEP: "Everybody can be read once in",
        FigureName.PAID_A_DAY: "Accounts that are paid for, at most",
        FigureName.CONTROLS_A_DAY: "Of them control accounts",
        FigureName.SENTINELS_A_DAY: "Sentinels",
        FigureName.IN_TURN_A_DAY: "In their turn",
        FigureName.RESERVE_A_DAY: "Kept for lists in which changes are seen",
        FigureName.ROUND: "Everybody has a turn within",
        FigureName.DELAY: "A change that nothing announces, on average",
        FigureName.DELAY_IN_A_BURST: "The same while others are read ahead",
        FigureName.DELAY_AT_MOST: "At most",
        FigureName.CONFIRMED_STRONG: "Then confirmed, where the platform states it, after",
        FigureName.CONFIRMED_WEAK: "Then confirmed, where an account is merely gone, after",
        FigureName.USD_A_DAY: "A day",
        FigureName.USD_A_DAY_AT_MOST: "A day, if X billed every reading",
        FigureName.BYTES_AT_FIRST: "First state of all accounts, once",
        FigureName.BYTES_A_DAY: "Readings, a day",
        FigureName.CHANGE_BYTES_A_DAY: "Changes, a day",
        FigureName.BYTES_A_YEAR: "Both, in a year",
        FigureName.CORES: "Processor cores that collecting keeps busy",
        FigureName.WORKERS: "Collecting processes",
        FigureName.MEMORY: "Their memory together",
    }
)


@dataclass(frozen=True, slots=True)
class SizingRow:
    """One figure for a reader."""

    name: str
    value: str
    basis: FigureBasis
    note: str
    """What it rests on."""


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    rows: tuple[SizingRow, ...]


def tables(found: Sizing) -> list[Table]:
    """All figures, by what they are about."""
    out: list[Table] = []
    for title, names in _GROUPS.items():
        told = [
            SizingRow(_NAMES[n], value_words(f), f.basis, note(found, n))
            for n, f in found.figures.items()
            if n in names
        ]
        if title == _DELAYS:
            told += [_list_row(found, one) for one in found.lists]
            told += map(_watch_row, found.list_watches)
        if told:
            out.append(Table(title, tuple(told)))
    return out


def headline(found: Sizing) -> str:
    """What was asked, in one sentence."""
    asked = found.asked
    where = f" on {asked.servers:,} servers" if asked.servers > 1 else ""
    accounts = "One account" if asked.accounts == 1 else f"{asked.accounts:,} accounts"
    sweep = span(asked.sweep)
    if asked.has_cost_limit:
        how = f"for at most ${asked.money:,.2f} a UTC day, by the adaptive planner"
    elif asked.planner is PlannerKind.SWEEP:
        how = f"everybody read once in {sweep}, in turn"
    else:
        how = f"with as many readings as everybody once in {sweep} takes, by the adaptive planner"
    return f"{accounts} on {PLATFORM_NAME[asked.platform]}{where}, {how}."


def verdict(found: Sizing) -> str:
    """Whether the platform takes so many requests, and by whose word."""
    platform, need = found.asked.platform, found.asked.needed
    terms = TERMS[platform]
    pace = f"{terms.own_pace_s:g} requests a second" if terms.own_pace_s is not None else ""
    if terms.limit is None:
        stated = f"{PLATFORM_NAME[platform]} documents no limit for this."
    else:
        limit = terms.limit
        allowed = f"{limit.requests} requests in {span(limit.within)} for {limit.counted_for}"
        word = "Outside" if found.room is Room.OVER_LIMIT else "Inside"
        stated = f"{word} the documented limit of {allowed} ({limit.source})."
    if found.room is Room.INSIDE:
        return (
            f"{stated} Blockline asks one host at most {pace}, which is enough for this." if pace else stated
        )
    held = f" Blockline itself asks one host at most {pace}." if pace else ""
    who = "apps" if platform is Platform.X else "addresses to ask from"
    return (
        f"{stated}{held} The figures below hold only with {need:,} {who}, if that is allowed; with one, "
        f"everybody is read once in {span(found.asked.fastest)} at best."
    )


def value_words(figure: Figure) -> str:
    """ "8 h 30 min", "1,178", "$11.78", "0.7 GB"."""
    match figure.unit:
        case Unit.SECONDS:
            return span(timedelta(seconds=figure.value))
        case Unit.BYTES:
            return size_words(figure.value)
        case Unit.USD:
            return f"${figure.value:,.2f}"
        case Unit.CORES:
            return f"{figure.value:.2f}" if figure.value >= 0.01 else "less than 0.01"
        case _:
            return f"{figure.value:,.0f}" if figure.value >= 10 else f"{figure.value:,.3g}"


def _watch_row(one: ListWatch) -> SizingRow:
    others = value_words(one.followed)
    if one.followed.value:
        then = f"At most {others} others of it are then paid for on that day; the rest wait for their turn."
    else:
        then = "These are the whole list, or nobody else of it can be paid for."
    return SizingRow(
        f"Sentinels of a list of {one.accounts:,}",
        value_words(one.sentinels),
        one.sentinels.basis,
        f"Read again and again: a block of the list is seen when one of them is blocked. {then}",
    )


def _list_row(found: Sizing, one: ListDelay) -> SizingRow:
    low, high = value_words(one.mean), value_words(one.mean_at_most)
    value = low if low == high else f"{low} to {high}"
    known = "For lists that are known before, and blocked as a whole."
    if found.asked.planner is PlannerKind.SWEEP:
        why = "Everybody waits for their turn, whatever is known of lists."
    elif found.asked.was_simulated:
        why = (
            f"{known} No proof: from what a formula gives to {facts.ESTIMATE_EXCEEDED:g} times as much, the "
            "most that simulated schedules took."
        )
    else:
        why = (
            f"{known} From what a formula gives to no gain at all: more than {facts.SIMULATED_ACCOUNTS:,} "
            f"accounts, or a sweep below {span(facts.SIMULATED_SWEEP)}, was never simulated."
        )
    each = f"None of them later than {value_words(one.at_most)}."
    name = f"A block of all {one.accounts:,} of a list, on average"
    return SizingRow(name, value, one.mean.basis, f"{why} {each}")


def as_json(found: Sizing) -> dict[str, object]:
    """Everything, for programs."""
    asked = found.asked

    def told(figure: Figure) -> dict[str, object]:
        return {"value": figure.value, "unit": figure.unit.value, "basis": figure.basis.value}

    return {
        "platform": asked.platform.value,
        "accounts": asked.accounts,
        "servers": asked.servers,
        "planner": asked.planner.value,
        "room": found.room.value,
        "verdict": verdict(found),
        "figures": {n.value: {**told(f), "rests_on": note(found, n)} for n, f in found.figures.items()},
        "lists": [
            {
                "accounts": one.accounts,
                "mean": told(one.mean),
                "mean_at_most": told(one.mean_at_most),
                "at_most": told(one.at_most),
            }
            for one in found.lists
        ],
        "list_watches": [
            {
                "accounts": one.accounts,
                "sentinels": told(one.sentinels),
                "followed_at_most": told(one.followed),
            }
            for one in found.list_watches
        ],
    }


def note(found: Sizing, name: FigureName) -> str:
    """What a figure rests on."""
    asked = found.asked
    terms = TERMS[asked.platform]
    if asked.has_cost_limit and (told := _ceiling_note(asked, name)):
        return told
    match name:
        case FigureName.ROSTER_SIZE:
            return f"{terms.batch} in a request, {facts.CONTROLS} of them control accounts."
        case FigureName.REQUESTS_A_SWEEP if asked.servers > 1:
            return "As if the accounts were spread evenly over the servers."
        case FigureName.REQUESTS_A_SWEEP if asked.platform is Platform.MASTODON:
            return (
                "As if one server had them all, which is tightest for its limit. More servers, more requests."
            )
        case FigureName.LIMIT_AN_HOUR:
            return "" if terms.limit is None else f"For {terms.limit.counted_for}: {terms.limit.source}."
        case FigureName.FASTEST_SWEEP:
            return (
                f"At {terms.own_pace_s:g} requests a second to one host."
                if terms.own_pace_s
                else "At the limit."
            )
        case FigureName.DELAY:
            if asked.planner is PlannerKind.SWEEP:
                return "Half a sweep: it may come at any time."
            return f"{facts.UNRELATED_LATER:g} times half a sweep: 20,000 accounts, 12 runs of a simulation."
        case FigureName.DELAY_IN_A_BURST:
            return f"{facts.SHARE_IN_TURN:.0%} of the requests still go in turn."
        case FigureName.DELAY_AT_MOST:
            sweeps = (
                "One sweep" if asked.planner is PlannerKind.SWEEP else f"{facts.COST_LIMIT_SWEEPS:.2f} sweeps"
            )
            return f"{sweeps}, as long as requests are answered."
        case FigureName.CONFIRMED_STRONG | FigureName.CONFIRMED_WEAK:
            return "The rule that holds unless another is set; the time of the change itself does not move."
        case _:
            return _costs_note(name, terms)


def _costs_note(name: FigureName, terms: facts.Terms) -> str:
    match name:
        case FigureName.USD_A_DAY:
            return (
                f"${USD_PER_READ:.3f} for each account read, once in a UTC day: X's documentation, "
                "which calls that a soft guarantee. Control accounts come on top."
            )
        case FigureName.USD_A_DAY_AT_MOST:
            return "Without that guarantee. Set a spending limit in X's console before you rely on it."
        case FigureName.BYTES_AT_FIRST:
            return f"{facts.BYTES_AT_FIRST:,} bytes each, without raw answers. make bench GROUP=storage."
        case FigureName.BYTES_A_DAY:
            return f"{facts.BYTES_PER_REQUEST} bytes a request. make bench GROUP=storage."
        case FigureName.CHANGE_BYTES_A_DAY:
            return (
                f"{facts.BYTES_PER_CHANGE:,} bytes a change, measured, if {facts.CHANGES_A_DAY * 10_000:g} "
                "in 10,000 accounts change a day, supposed."
            )
        case FigureName.BYTES_A_YEAR:
            return "365 times as much."
        case FigureName.CORES:
            return (
                f"{1000 * terms.cpu_s_per_request:g} ms a request, without Postgres. make bench GROUP=sizing."
            )
        case FigureName.WORKERS:
            return f"Each core no more than {facts.UTILISATION:.0%} busy."
        case FigureName.MEMORY:
            return (
                f"{size_words(facts.MEMORY_OF_A_PROCESS)} each and {terms.memory_per_account:,} bytes an "
                "account. make bench GROUP=sizing."
            )
        case _:
            return ""


def _ceiling_note(asked: SizingQuestion, name: FigureName) -> str:
    """Of what is otherwise under a ceiling; empty: it is not."""
    match name:
        case FigureName.SWEEP:
            return (
                "So many readings, of those who are paid for: as often as X allows, or as sweep_every says."
            )
        case FigureName.PAID_A_DAY:
            return "Nobody else is asked for on that day; who is paid for is read again and again."
        case FigureName.CONTROLS_A_DAY:
            return "Kept for them; more where there are more."
        case FigureName.USD_A_DAY:
            return f"${USD_PER_READ:.3f} for each of these accounts, if X keeps to its soft guarantee."
        case FigureName.DELAY_AT_MOST if not asked.waits_for_days:
            return (
                f"{facts.COST_LIMIT_SWEEPS:.2f} sweeps, as long as requests are answered, and the minutes "
                "around midnight UTC in which nothing is asked."
            )
        case _:
            return _waiting_note(asked, name) if asked.waits_for_days else ""


def _waiting_note(asked: SizingQuestion, name: FigureName) -> str:
    """Of what is otherwise where the ceiling does not pay for everybody every day."""
    match name:
        case FigureName.SENTINELS_A_DAY if asked.lists:
            most = most_sentinels(asked.shares.most)
            return f"Always the same {PER_LIST} of each list that was given, {most:,} at most."
        case FigureName.SENTINELS_A_DAY:
            return "No list was given: nobody watches for one."
        case FigureName.IN_TURN_A_DAY:
            return "Whole requests, those who wait longest."
        case FigureName.RESERVE_A_DAY:
            return "And for promises and for confirming; for one list two thirds of it at most."
        case FigureName.DELAY:
            return (
                "If no sentinel shows it: whoever has a turn is read again and again on that day; on another "
                "day it waits for the next turn."
            )
        case FigureName.DELAY_AT_MOST:
            return "From turn to turn, as long as requests are answered."
        case _:
            return ""
