"""Pure: what is wrong with the work that processes share: clocks, requests held, and those nobody takes."""

from datetime import datetime, timedelta

from collectors.core.rate_limit_headers import BREAKERS
from dashboard.ui.words import span
from jobs.base.wording import number, quoted
from storage.model.alerts.conditions import (
    Condition,
    ConditionFacts,
    ConditionKey,
    ConditionKind,
    HeldRequests,
    PlannedBy,
    RefusedAlone,
    Untaken,
    WrongClock,
)
from storage.model.core.platform_request import OTHER_ADDRESS
from storage.model.text.collectors import HANGS_TO_DO, WAIT, collector_name, to_do, why_words
from storage.model.text.states import clean
from storage.model.text.units import clock_words

_NAMED = 5
_CLOCK_TO_DO = (
    "Keep the clocks of all machines and of the database right with NTP. Then they read by themselves again; "
    "until then others read, where there are any."
)
_HELD_TO_DO = (
    "Report what it says to those who make Blockline. What the requests asked for is asked again by other "
    "requests; blockline workers shows them, and blockline workers drop forgets them."
)
_UNTAKEN_TO_DO = (
    "See on the health page which machines read, and what the log of blockline run says on them; start "
    "another with blockline run --role collect."
)


def worker_conditions(facts: ConditionFacts, now: datetime, unheard_for: timedelta) -> list[Condition]:
    """The causes before what follows from them."""
    refused = [r for r in facts.refused_alone if r.reason in BREAKERS]
    elsewhere = [r for r in facts.refused_alone if r.reason == OTHER_ADDRESS]
    found = [
        _clocks(facts.clocks),
        *map(_refused, _by_source(refused)),
        *map(_elsewhere, _by_source(elsewhere)),
        *(_unheard(p, now, unheard_for) for p in facts.planned),
        _held(facts.held),
        *map(_untaken, facts.untaken),
    ]
    return [one for one in found if one is not None]


def _by_source(refused: list[RefusedAlone]) -> list[list[RefusedAlone]]:
    sources = dict.fromkeys((r.platform, r.vantage) for r in refused)
    return [[r for r in refused if (r.platform, r.vantage) == source] for source in sources]


def worker_ending(key: ConditionKey, facts: ConditionFacts, taken_within: timedelta) -> str | None:
    """How things stand when one of these troubles is over; None for any other trouble."""
    match key.kind:
        case ConditionKind.CLOCK_OFF:
            return "No machine whose clock is off reported itself lately"
        case ConditionKind.REFUSED_ALONE if key.platform is not None:
            name = collector_name(key.platform, "", key.vantage)
            return f"No process says any more that {name} refuses it alone"
        case ConditionKind.PLANNER_UNHEARD if key.platform is not None:
            name = collector_name(key.platform, "", "")
            planner = next((p for p in facts.planned if p.platform is key.platform), None)
            if planner is None:
                return f"Nobody plans the reading of {name} now"
            reported = "there is no report of it" if planner.heard_at is None else "it reported itself"
            return f"{clean(planner.name, 80)} plans the reading of {name}, and {reported}"
        case ConditionKind.OTHER_ADDRESS if key.platform is not None:
            name = collector_name(key.platform, "", key.vantage)
            return f"No process says any more that it asks another address for {name}"
        case ConditionKind.REQUESTS_HELD:
            return "No request is held any more"
        case ConditionKind.QUEUE_STUCK if key.platform is not None:
            name = collector_name(key.platform, "", key.vantage)
            where = (key.platform, key.vantage)
            left = next((u for u in facts.untaken if (u.platform, u.vantage) == where), None)
            if left is None:
                return f"No request to {name} waits longer than {span(taken_within)} any more"
            if not left.is_planned:
                return f"No process plans the reading of {name} any more; {_wait(left)}"
            return f"All machines that read {name} pause now; {_wait(left)}"
        case _:
            return None


def _clocks(clocks: tuple[WrongClock, ...]) -> Condition | None:
    if not clocks:
        return None
    each = [f"{clean(c.name, 80)} {clock_words(c.off)}" for c in clocks]
    more = f", and {len(each) - _NAMED:,} more" if len(each) > _NAMED else ""
    return Condition(
        ConditionKey(ConditionKind.CLOCK_OFF),
        min(c.heard_at for c in clocks),
        f"The clock of {clean(clocks[0].name, 80)} is off, and it reads nothing"
        if len(clocks) == 1
        else f"The clocks of {len(clocks):,} processes are off, and they read nothing",
        f"beside the database's: {', '.join(each[:_NAMED])}{more}",
        _CLOCK_TO_DO,
    )


def _refused(refused: list[RefusedAlone]) -> Condition:
    """Of one source; `refused` is not empty."""
    first = refused[0]
    name = collector_name(first.platform, "", first.vantage)
    why = "; ".join(dict.fromkeys(why_words(r.reason) for r in refused))
    todos = dict.fromkeys(to_do(r.platform, r.reason) or WAIT for r in refused)
    return Condition(
        ConditionKey(ConditionKind.REFUSED_ALONE, first.platform, "", first.vantage),
        min(r.heard_at for r in refused),
        f"{name} refuses {_names(refused)}, and answers others ({why})",
        quoted(first.detail),
        " ".join(("What it refuses is left to others.", *todos)),
    )


def _unheard(planned: PlannedBy, now: datetime, unheard_for: timedelta) -> Condition | None:
    """Of one that never reported itself nothing is claimed."""
    if planned.heard_at is None or now - planned.heard_at <= unheard_for:
        return None
    name = collector_name(planned.platform, "", "")
    return Condition(
        ConditionKey(ConditionKind.PLANNER_UNHEARD, planned.platform),
        planned.heard_at,
        f"{clean(planned.name, 80)} plans the reading of {name}, and nothing was heard of it for more than "
        f"{span(unheard_for)}",
        "",
        HANGS_TO_DO,
    )


def _elsewhere(machines: list[RefusedAlone]) -> Condition:
    """Of one source; there is at least one."""
    first = machines[0]
    name = collector_name(first.platform, "", first.vantage)
    ask = "asks" if len(machines) == 1 else "ask"
    return Condition(
        ConditionKey(ConditionKind.OTHER_ADDRESS, first.platform, "", first.vantage),
        min(m.heard_at for m in machines),
        f"{_names(machines)} {ask} another address for {name} than the process that plans",
        quoted(first.detail),
        f"What would be asked there is left to others. {to_do(first.platform, first.reason)}",
    )


def _names(machines: list[RefusedAlone]) -> str:
    more = f" and {len(machines) - _NAMED:,} more" if len(machines) > _NAMED else ""
    return ", ".join(clean(m.name, 80) for m in machines[:_NAMED]) + more


def _held(held: HeldRequests) -> Condition | None:
    if not held.count or held.since is None:
        return None
    they = "is held: a machine failed at it" if held.count == 1 else "are held: machines failed at them"
    return Condition(
        ConditionKey(ConditionKind.REQUESTS_HELD),
        held.since,
        f"{number(held.count, 'request')} {they} by a fault of Blockline's own",
        quoted(held.said),
        _HELD_TO_DO,
    )


def _untaken(untaken: Untaken) -> Condition | None:
    """Where nobody plans, nobody waits; where all pause, that is told as what it comes from."""
    all_pause = untaken.readers > 0 and untaken.takers == 0
    if not untaken.is_planned or all_pause:
        return None
    return Condition(
        ConditionKey(ConditionKind.QUEUE_STUCK, untaken.platform, "", untaken.vantage),
        untaken.since,
        f"{_wait(untaken)}, and nobody takes {'it' if untaken.count == 1 else 'them'}",
        "",
        _UNTAKEN_TO_DO,
    )


def _wait(untaken: Untaken) -> str:
    name = collector_name(untaken.platform, "", untaken.vantage)
    return f"{number(untaken.count, 'request')} to {name} wait{'s' if untaken.count == 1 else ''}"
