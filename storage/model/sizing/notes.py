"""Pure: what each figure of sizing rests on, in words."""

from storage.model.core.accounts import Platform
from storage.model.limits.daily_cost_shares import PER_LIST, USD_PER_READ, most_sentinels
from storage.model.sizing import facts as facts
from storage.model.sizing.facts import TERMS
from storage.model.sizing.question import PlannerKind, SizingQuestion
from storage.model.sizing.sizing import FigureName, Sizing
from storage.model.text.units import size_words


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
