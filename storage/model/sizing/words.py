"""Pure: what the figures of sizing are called, and what each rests on: for the command and for the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from storage.model.limits.daily_cost_shares import PER_LIST, most_sentinels
from storage.model.platforms.declaration import CONTROLS, Price, RequestLimit, Terms
from storage.model.platforms.registry import DECLARED
from storage.model.sizing import facts
from storage.model.sizing.facts import FigureBasis
from storage.model.sizing.question import PlannerKind, Room, SizingQuestion
from storage.model.sizing.sizing import Figure, FigureName, ListDelay, ListWatch, Sizing, Unit
from storage.model.text.platforms import own_pace
from storage.model.text.states import PLATFORM_NAME
from storage.model.text.target_counts import TargetCount
from storage.model.text.units import size_words, span

BASIS_WORDS = MappingProxyType(
    {
        FigureBasis.DOCUMENTED: "stated by the platform, or derived from its statements",
        FigureBasis.MEASURED: "by Blockline's benchmarks on two cores, multiplied; your figures will differ",
        FigureBasis.SIMULATED: "in simulations, not with real accounts",
        FigureBasis.ESTIMATE: "a formula or an assumption without general proof",
        FigureBasis.RULE: "arithmetic from your inputs and from how Blockline works",
    }
)
_ASKED_ALONE = {declared.name: declared.terms.asked_alone for declared in DECLARED.values()}
BESIDE = (
    "Readings that confirm a change, retries and requests for a single account are additional; of the last "
    "up to "
    + ", ".join(f"{n} on {name}" for name, n in _ASKED_ALONE.items() if n)
    + " for each account that is missing from an answer."
)
_DELAYS = "Delay until a change is seen"
_GROUPS: Mapping[str, tuple[FigureName, ...]] = MappingProxyType(
    {
        "Requests": (
            FigureName.ROSTER_SIZE,
            FigureName.REQUESTS_A_SWEEP,
            FigureName.POST_REQUESTS_A_SWEEP,
            FigureName.SWEEP,
            FigureName.READINGS_AN_HOUR,
            FigureName.REQUESTS_AN_HOUR,
            FigureName.REQUESTS_A_DAY,
            FigureName.LIMIT_AN_HOUR,
            FigureName.POST_LIMIT_AN_HOUR,
            FigureName.FASTEST_SWEEP,
        ),
        "Daily cost limit": (
            FigureName.PAID_A_DAY,
            FigureName.POSTS_A_DAY,
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
        "Cost": (FigureName.USD_A_DAY, FigureName.USD_A_DAY_AT_MOST),
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
        FigureName.ROSTER_SIZE: "Watched accounts per request",
        FigureName.REQUESTS_A_SWEEP: "Requests per sweep",
        FigureName.POST_REQUESTS_A_SWEEP: "Of them about posts",
        FigureName.SWEEP: "Length of a sweep",
        FigureName.READINGS_AN_HOUR: "Readings per hour",
        FigureName.REQUESTS_AN_HOUR: "Requests per hour",
        FigureName.REQUESTS_A_DAY: "Requests per day",
        FigureName.LIMIT_AN_HOUR: "Allowed requests per hour",
        FigureName.POST_LIMIT_AN_HOUR: "Allowed requests per hour, about posts",
        FigureName.FASTEST_SWEEP: "Shortest possible sweep",
        FigureName.PAID_A_DAY: "Accounts paid for, at most",
        FigureName.POSTS_A_DAY: "Posts paid for",
        FigureName.CONTROLS_A_DAY: "Control accounts",
        FigureName.SENTINELS_A_DAY: "Sentinel accounts",
        FigureName.IN_TURN_A_DAY: "Scheduled reads",
        FigureName.RESERVE_A_DAY: "Reserved for lists with changes",
        FigureName.ROUND: "Every account is read within",
        FigureName.DELAY: "Unannounced change, on average",
        FigureName.DELAY_IN_A_BURST: "Unannounced change, while lists are read early",
        FigureName.DELAY_AT_MOST: "Any change, at most",
        FigureName.CONFIRMED_STRONG: "Confirmation of a stated block, after another",
        FigureName.CONFIRMED_WEAK: "Confirmation of a missing account, after another",
        FigureName.USD_A_DAY: "Per day",
        FigureName.USD_A_DAY_AT_MOST: "Per day, if every reading were billed",
        FigureName.BYTES_AT_FIRST: "First state of all accounts, once",
        FigureName.BYTES_A_DAY: "Readings, per day",
        FigureName.CHANGE_BYTES_A_DAY: "Changes, per day",
        FigureName.BYTES_A_YEAR: "Both, per year",
        FigureName.CORES: "Processor cores in use by collecting",
        FigureName.WORKERS: "Collecting processes",
        FigureName.MEMORY: "Memory of these processes",
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
        rows = [
            SizingRow(_NAMES[n], value_words(f), f.basis, note(found, n))
            for n, f in found.figures.items()
            if n in names
        ]
        if title == _DELAYS:
            rows += [_list_row(found, one) for one in found.lists]
            rows += map(_watch_row, found.list_watches)
        if rows:
            out.append(Table(title, tuple(rows)))
    return out


def headline(found: Sizing) -> str:
    """What was asked, in one sentence."""
    asked = found.asked
    where = f" on {asked.servers:,} servers" if asked.servers > 1 else ""
    count = TargetCount(asked.accounts, asked.posts)
    accounts = "One account" if (count.accounts, count.posts) == (1, 0) else count.words()
    sweep = span(asked.sweep)
    if asked.has_cost_limit:
        how = f"for at most ${asked.money:,.2f} per UTC day, with the adaptive planner"
    elif asked.planner is PlannerKind.SWEEP:
        how = f"a sweep every {sweep}"
    else:
        how = f"with as many readings as a sweep every {sweep}, by the adaptive planner"
    return f"{accounts} on {PLATFORM_NAME[asked.platform]}{where}, {how}."


def verdict(found: Sizing) -> str:
    """Whether the platform takes so many requests, and by whose word."""
    platform, need, terms = found.asked.platform, found.asked.needed, found.asked.terms
    pace = own_pace(DECLARED[platform])
    if terms.limit is None:
        stated = f"{PLATFORM_NAME[platform]} documents no limit for this."
    else:
        word = "Outside" if found.room is Room.OVER_LIMIT else "Inside"
        stated = f"{word} the documented limit of {_allowed(terms.limit)}."
        if found.asked.posts and (of_posts := terms.of_posts.limit) is not None:
            stated = f"{stated.removesuffix('.')} and, about posts, of {_allowed(of_posts)}."
    if found.room is Room.INSIDE:
        return f"{stated} Blockline sends at most {pace}, which is enough." if pace else stated
    pacing = f" Blockline itself sends at most {pace}." if pace else ""
    return (
        f"{stated}{pacing} The figures below need {need:,} {terms.more_with}, if that is allowed. With one, "
        f"a sweep takes at least {span(found.asked.fastest)}."
    )


def _allowed(limit: RequestLimit) -> str:
    return f"{limit.requests:,} requests in {span(limit.within)} for {limit.counted_for} ({limit.source})"


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
        then = f"Then at most {others} other accounts of it are paid for that day; the rest wait."
    else:
        then = "They are the whole list, or no other account of it can be paid for."
    return SizingRow(
        f"Sentinel accounts of a list of {one.accounts:,}",
        value_words(one.sentinels),
        one.sentinels.basis,
        f"They are read again and again, so a block of the list is seen when one of them is blocked. {then}",
    )


def _list_row(found: Sizing, one: ListDelay) -> SizingRow:
    low, high = value_words(one.mean), value_words(one.mean_at_most)
    value = low if low == high else f"{low} to {high}"
    known = "For lists known in advance that are blocked as a whole."
    if found.asked.planner is PlannerKind.SWEEP:
        why = "Every account is read in a fixed order, whatever its lists."
    elif found.asked.was_simulated:
        why = (
            f"{known} Not proven: the range is from the formula's result to {facts.ESTIMATE_EXCEEDED:g} "
            "times as much, the most that simulated schedules took."
        )
    else:
        why = (
            f"{known} The range is from the formula's result to no gain at all: more than "
            f"{facts.SIMULATED_ACCOUNTS:,} accounts, or a sweep below {span(facts.SIMULATED_SWEEP)}, was not "
            "simulated."
        )
    each = f"Each within {value_words(one.at_most)}."
    name = f"Block of a whole list of {one.accounts:,}, on average"
    return SizingRow(name, value, one.mean.basis, f"{why} {each}")


def as_json(found: Sizing) -> dict[str, object]:
    """Everything, for programs."""
    asked = found.asked

    def figure_json(figure: Figure) -> dict[str, object]:
        return {"value": figure.value, "unit": figure.unit.value, "basis": figure.basis.value}

    return {
        "platform": asked.platform.value,
        "accounts": asked.accounts,
        "posts": asked.posts,
        "servers": asked.servers,
        "planner": asked.planner.value,
        "room": found.room.value,
        "verdict": verdict(found),
        "figures": {
            n.value: {**figure_json(f), "rests_on": note(found, n)} for n, f in found.figures.items()
        },
        "lists": [
            {
                "accounts": one.accounts,
                "mean": figure_json(one.mean),
                "mean_at_most": figure_json(one.mean_at_most),
                "at_most": figure_json(one.at_most),
            }
            for one in found.lists
        ],
        "list_watches": [
            {
                "accounts": one.accounts,
                "sentinels": figure_json(one.sentinels),
                "followed_at_most": figure_json(one.followed),
            }
            for one in found.list_watches
        ],
    }


def note(found: Sizing, name: FigureName) -> str:
    """What a figure rests on."""
    asked = found.asked
    terms = asked.terms
    if asked.has_cost_limit and (limit_note := _ceiling_note(asked, name)):
        return limit_note
    match name:
        case FigureName.ROSTER_SIZE:
            return f"{terms.batch} per request, including {CONTROLS} control accounts."
        case FigureName.REQUESTS_A_SWEEP if asked.servers > 1:
            return "Assumes that the accounts are spread evenly over the servers."
        case FigureName.REQUESTS_A_SWEEP if DECLARED[asked.platform].is_federated:
            return "Assumes one server, the tightest case for its limit. More servers need more requests."
        case FigureName.POST_REQUESTS_A_SWEEP:
            of_posts = terms.of_posts
            return f"{of_posts.at_once} per request, including control posts. {of_posts.note}".strip()
        case FigureName.LIMIT_AN_HOUR | FigureName.POST_LIMIT_AN_HOUR:
            limit = terms.limit if name is FigureName.LIMIT_AN_HOUR else terms.of_posts.limit
            return "" if limit is None else f"For {limit.counted_for}: {limit.source}."
        case FigureName.FASTEST_SWEEP:
            pace = own_pace(DECLARED[asked.platform])
            return f"At {pace}." if pace else "At the limit."
        case FigureName.DELAY:
            if asked.planner is PlannerKind.SWEEP:
                return "Half a sweep, since it may happen at any time."
            return f"{facts.UNRELATED_LATER:g} times half a sweep, by 12 simulations with 20,000 accounts."
        case FigureName.DELAY_IN_A_BURST:
            return f"{facts.SHARE_IN_TURN:.0%} of the requests still follow the fixed order."
        case FigureName.DELAY_AT_MOST:
            sweeps = (
                "One sweep" if asked.planner is PlannerKind.SWEEP else f"{facts.COST_LIMIT_SWEEPS:.2f} sweeps"
            )
            return f"{sweeps}, as long as requests are answered."
        case _:
            return _costs_note(name, terms, with_posts=bool(asked.posts))


def _costs_note(name: FigureName, terms: Terms, *, with_posts: bool) -> str:
    price = terms.price
    match name:
        case FigureName.CONFIRMED_STRONG | FigureName.CONFIRMED_WEAK:
            return "By the default rule. Confirmation does not move the time of the change."
        case FigureName.USD_A_DAY if price is not None:
            controls = "Control accounts and posts" if with_posts else "Control accounts"
            return (
                f"${price.usd_per_account:.3f} per account{_post_price(price) if with_posts else ''} and UTC "
                f"day, {price.source}. {controls} are additional."
            )
        case FigureName.USD_A_DAY_AT_MOST if price is not None:
            return (
                f"The lower figure holds {price.source}. Set a spending limit in {price.console} before you "
                "rely on it."
            )
        case FigureName.BYTES_AT_FIRST:
            return f"{facts.BYTES_AT_FIRST:,} bytes each, without raw answers. make bench GROUP=storage."
        case FigureName.BYTES_A_DAY:
            return f"{facts.BYTES_PER_REQUEST} bytes per request. make bench GROUP=storage."
        case FigureName.CHANGE_BYTES_A_DAY:
            return (
                f"{facts.BYTES_PER_CHANGE:,} bytes per change, measured. Assumes that "
                f"{facts.CHANGES_A_DAY * 10_000:g} in 10,000 accounts change per day."
            )
        case FigureName.BYTES_A_YEAR:
            return "365 times as much."
        case FigureName.CORES:
            return (
                f"{1000 * terms.cpu_s_per_request:g} ms per request, without Postgres. "
                "make bench GROUP=sizing."
            )
        case FigureName.WORKERS:
            return f"With each core at most {facts.UTILISATION:.0%} busy."
        case FigureName.MEMORY:
            return (
                f"{size_words(facts.MEMORY_OF_A_PROCESS)} each and {terms.memory_per_account:,} bytes per "
                "account. make bench GROUP=sizing."
            )
        case _:
            return ""


def _post_price(price: Price) -> str:
    """With its account in front: " and at most $0.015 per post"."""
    usd = price.usd_per_account if price.usd_per_post is None else price.usd_per_post
    return f" and at most ${usd:.3f} per post"


def _ceiling_note(asked: SizingQuestion, name: FigureName) -> str:
    """Of what is otherwise under a ceiling; empty: it is not."""
    platform_name, price = PLATFORM_NAME[asked.platform], asked.terms.price
    match name:
        case FigureName.SWEEP:
            return f"For accounts that are paid for: as often as {platform_name} or sweep_every allows."
        case FigureName.PAID_A_DAY:
            return "No other account is read that day; paid accounts are read again and again."
        case FigureName.POSTS_A_DAY:
            return "All of them every day, reserved before any account. Control posts are additional."
        case FigureName.CONTROLS_A_DAY:
            return "Reserved for them; more if there are more."
        case FigureName.USD_A_DAY if price is not None:
            usd = f"${price.usd_per_account:.3f} for each of these accounts"
            posts = _post_price(price) if asked.posts else ""
            return f"{usd}{posts}, if {platform_name} bills each once per UTC day."
        case FigureName.DELAY_AT_MOST if not asked.waits_for_days:
            return (
                f"{facts.COST_LIMIT_SWEEPS:.2f} sweeps, as long as requests are answered, plus the minutes "
                "around midnight UTC in which nothing is read."
            )
        case _:
            return _waiting_note(asked, name) if asked.waits_for_days else ""


def _waiting_note(asked: SizingQuestion, name: FigureName) -> str:
    """Of what is otherwise where the ceiling does not pay for everybody every day."""
    match name:
        case FigureName.SENTINELS_A_DAY if asked.lists:
            most = most_sentinels(asked.shares.most)
            return f"The same {PER_LIST} of each list given, at most {most:,} in all."
        case FigureName.SENTINELS_A_DAY:
            return "No list was given."
        case FigureName.IN_TURN_A_DAY:
            return "Whole requests, the longest waiting first."
        case FigureName.RESERVE_A_DAY:
            return (
                "Also for guaranteed intervals and for confirmations; at most two thirds of it for one list."
            )
        case FigureName.DELAY:
            return (
                "If no sentinel account shows it. An account is read again and again on the day of its "
                "scheduled read; on other days a change waits for the next one."
            )
        case FigureName.DELAY_AT_MOST:
            return "From one scheduled read to the next, as long as requests are answered."
        case _:
            return ""
