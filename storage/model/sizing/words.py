"""Pure: what the figures of sizing are called, and what each rests on: for the command and for the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from storage.model.core.accounts import Platform
from storage.model.sizing import facts as facts
from storage.model.sizing.facts import TERMS, Basis
from storage.model.sizing.notes import note
from storage.model.sizing.question import PlannerKind, Room
from storage.model.sizing.sizing import Figure, ListDelay, ListWatch, Name, Sizing, Unit
from storage.model.text.states import PLATFORM_NAME
from storage.model.text.units import size_words, span

BASIS_WORDS = MappingProxyType(
    {
        Basis.DOCUMENTED: "the platform says so, or it follows from what it says",
        Basis.MEASURED: "by Blockline's benches on two cores, multiplied; yours differ",
        Basis.SIMULATED: "in simulations, not with real accounts",
        Basis.ESTIMATE: "a formula or a supposition that nothing has borne out in general",
        Basis.RULE: "arithmetic from what was asked for and from how Blockline works",
    }
)
BESIDE = (
    "Readings that confirm a change, retries and requests for one account alone come on top: on Bluesky and "
    "Mastodon up to three for each account that an answer leaves out."
)
_DELAYS = "How late a change is seen"
_GROUPS: Mapping[str, tuple[Name, ...]] = MappingProxyType(
    {
        "Requests": (
            Name.ROSTER_SIZE,
            Name.REQUESTS_A_SWEEP,
            Name.SWEEP,
            Name.READINGS_AN_HOUR,
            Name.REQUESTS_AN_HOUR,
            Name.REQUESTS_A_DAY,
            Name.LIMIT_AN_HOUR,
            Name.FASTEST_SWEEP,
        ),
        "What a day's ceiling pays for": (
            Name.PAID_A_DAY,
            Name.CONTROLS_A_DAY,
            Name.SENTINELS_A_DAY,
            Name.IN_TURN_A_DAY,
            Name.RESERVE_A_DAY,
            Name.ROUND,
        ),
        _DELAYS: (
            Name.DELAY,
            Name.DELAY_IN_A_BURST,
            Name.DELAY_AT_MOST,
            Name.CONFIRMED_STRONG,
            Name.CONFIRMED_WEAK,
        ),
        "What X charges": (Name.USD_A_DAY, Name.USD_A_DAY_AT_MOST),
        "Database": (Name.BYTES_AT_FIRST, Name.BYTES_A_DAY, Name.CHANGE_BYTES_A_DAY, Name.BYTES_A_YEAR),
        "Machine": (Name.CORES, Name.WORKERS, Name.MEMORY),
    }
)
_NAMES = MappingProxyType(
    {
        Name.ROSTER_SIZE: "Watched accounts in a request",
        Name.REQUESTS_A_SWEEP: "Requests to read everybody once",
        Name.SWEEP: "Readings for everybody once in",
        Name.READINGS_AN_HOUR: "Readings an hour",
        Name.REQUESTS_AN_HOUR: "Requests an hour",
        Name.REQUESTS_A_DAY: "Requests a day",
        Name.LIMIT_AN_HOUR: "Requests an hour that are allowed",
        Name.FASTEST_SWEEP: "Everybody can be read once in",
        Name.PAID_A_DAY: "Accounts that are paid for, at most",
        Name.CONTROLS_A_DAY: "Of them control accounts",
        Name.SENTINELS_A_DAY: "Sentinels",
        Name.IN_TURN_A_DAY: "In their turn",
        Name.RESERVE_A_DAY: "Kept for lists in which changes are seen",
        Name.ROUND: "Everybody has a turn within",
        Name.DELAY: "A change that nothing announces, on average",
        Name.DELAY_IN_A_BURST: "The same while others are read ahead",
        Name.DELAY_AT_MOST: "At most",
        Name.CONFIRMED_STRONG: "Then confirmed, where the platform states it, after",
        Name.CONFIRMED_WEAK: "Then confirmed, where an account is merely gone, after",
        Name.USD_A_DAY: "A day",
        Name.USD_A_DAY_AT_MOST: "A day, if X billed every reading",
        Name.BYTES_AT_FIRST: "First state of all accounts, once",
        Name.BYTES_A_DAY: "Readings, a day",
        Name.CHANGE_BYTES_A_DAY: "Changes, a day",
        Name.BYTES_A_YEAR: "Both, in a year",
        Name.CORES: "Processor cores that collecting keeps busy",
        Name.WORKERS: "Collecting processes",
        Name.MEMORY: "Their memory together",
    }
)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure for a reader."""

    name: str
    value: str
    basis: Basis
    note: str
    """What it rests on."""


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    rows: tuple[Row, ...]


def tables(found: Sizing) -> list[Table]:
    """All figures, by what they are about."""
    out: list[Table] = []
    for title, names in _GROUPS.items():
        told = [
            Row(_NAMES[n], value_words(f), f.basis, note(found, n))
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
    if asked.is_under_ceiling:
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


def _watch_row(one: ListWatch) -> Row:
    others = value_words(one.followed)
    if one.followed.value:
        then = f"At most {others} others of it are then paid for on that day; the rest wait for their turn."
    else:
        then = "These are the whole list, or nobody else of it can be paid for."
    return Row(
        f"Sentinels of a list of {one.accounts:,}",
        value_words(one.sentinels),
        one.sentinels.basis,
        f"Read again and again: a block of the list is seen when one of them is blocked. {then}",
    )


def _list_row(found: Sizing, one: ListDelay) -> Row:
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
    return Row(name, value, one.mean.basis, f"{why} {each}")


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
