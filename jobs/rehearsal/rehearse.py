"""The rehearsal: the real pipeline, over real sockets, through a recorded history, in simulated time.

Everything is as in production: the collectors ask simulators that speak the platforms' protocols, readings
are judged and recorded in Postgres, mails go to an SMTP server. Only the clock is simulated.
"""

import json
import math
import resource
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from collectors.simulator.faults import FaultPlan, profile
from collectors.simulator.history import History
from dashboard.orders.facts import OrderFigures, read_orders
from jobs.base.errors import CommandError
from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.detect.confirmation import ConfirmationRule
from jobs.messages.compose import Letterhead
from jobs.orders.import_orders import import_order_file
from jobs.rehearsal import scoring
from jobs.rehearsal.pipeline import (
    Mailing,
    SimulationPlan,
    enlist,
    perform,
    simulated_canaries,
    simulated_hosts,
)
from jobs.rehearsal.scoring import Believed, RehearsalScore
from jobs.rehearsal.simulators import spawn
from storage.model.alerts.rules import AlertRule
from storage.model.core.availability import State
from storage.model.core.late import gap_after
from storage.postgres.pool import Pool, open_pool, transaction
from storage.readings import rehearsal_readback

RECIPIENT = "desk@example.org"


@dataclass(frozen=True, slots=True)
class Progress:
    at: datetime
    readings: int
    requests: int


@dataclass(frozen=True, slots=True)
class RehearsalOrders:
    """A file of orders, in any form that `orders import` takes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class RehearsalReport:
    """What a rehearsal found. `figures` is what is printed; the verdict holds the cases behind it."""

    figures: dict[str, object]
    verdict: RehearsalScore
    orders: Sequence[OrderFigures] = ()
    """Those that were issued in the time of the rehearsal, as they stood at its end."""

    @property
    def is_right(self) -> bool:
        return not self.verdict.false and not self.verdict.wrong_interval


def span(history: History) -> tuple[datetime, datetime]:
    """From the first to the last time in a history. Raises ValueError for an empty one."""
    times = [t for a in history.accounts for t in (a.times[0], a.times[-1])]
    if not times:
        raise ValueError("the history contains no account")
    return min(times), max(times)


async def rehearse(
    path: Path,
    platform: str | None,
    history: History,
    plan: SimulationPlan,
    faults: str,
    dsn: str,
    on_progress: Callable[[Progress], None],
    papers: RehearsalOrders | None = None,
) -> RehearsalReport:
    """Play `history` on an empty, migrated database.

    It is what the file at `path` holds as it is played on `platform`: see
    `jobs.rehearsal.simulators.played`. The orders of `papers` are on file from the start, and their figures
    are part of the report.
    """

    async def prepare(pool: Pool, now: datetime) -> None:
        await enlist(pool, history.accounts, now)
        if papers is not None:
            await _file_orders(pool, papers, now)

    started_cpu, started = _cpu_s(), time.perf_counter()
    mailbox = Inbox()
    with SmtpServer(mailbox) as smtp:
        async with spawn(path, platform=platform, faults=faults) as simulators:
            head = Letterhead(sweep_every=plan.every)
            mailing = Mailing(smtp.host, smtp.port, AlertRule(recipients=(RECIPIENT,)), head)
            await perform(
                dsn,
                simulators,
                mailing,
                plan,
                canaries=simulated_canaries(history),
                prepare=prepare,
                hosts=simulated_hosts(history.accounts),
                after=lambda at, tally: on_progress(Progress(at, tally.readings, tally.requests)),
            )
            wall_s = time.perf_counter() - started
    cpu_s = _cpu_s() - started_cpu
    async with open_pool(dsn, max_size=2) as pool:
        verdict, totals = await _judge(pool, history, plan, profile(faults))
        orders = await _orders(pool, plan) if papers is not None else ()
    delivered = mailbox.mails()
    figures = _figures(history, plan, verdict, totals, wall_s, cpu_s, len(delivered))
    return RehearsalReport(figures, verdict, orders)


async def _file_orders(pool: Pool, papers: RehearsalOrders, now: datetime) -> None:
    """Put the orders on file. Raises CommandError when the file brings none."""
    report = await import_order_file(
        pool, papers.content, papers.name, now, "rehearsal", partial=True, by_day=True, country=None
    )
    if not report.stored:
        raise CommandError("\n".join(str(problem) for problem in report.problems))


async def _orders(pool: Pool, plan: SimulationPlan) -> list[OrderFigures]:
    async with transaction(pool) as conn:
        found = await read_orders(conn, plan.end, gap_after(plan.every))
    return [o for o in found if plan.start <= o.order.issued_at <= plan.end]


def _cpu_s() -> float:
    """Processor time of this process and of the simulators that ended. Postgres is not in it."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


async def _judge(
    pool: Pool, history: History, plan: SimulationPlan, faults: FaultPlan
) -> tuple[RehearsalScore, rehearsal_readback.Totals]:
    async with transaction(pool) as conn:
        readings = await rehearsal_readback.reading_times(conn)
        silences = await rehearsal_readback.silences(conn)
        confirmed = await rehearsal_readback.confirmed_changes(conn)
        totals = await rehearsal_readback.totals(conn)
    lines = {a.native_id: scoring.shown(a) for a in history.accounts}
    lists = {a.native_id: tuple(f"{a.platform}:{name}" for name in a.lists) for a in history.accounts}

    def lied(native_id: str, at: datetime) -> bool:
        return faults.lies and faults.lied_about(at, native_id)

    honest = {i: [at for at in times if not lied(i, at)] for i, times in readings.items()}
    ideal = scoring.observable(lines, lists, honest, ConfirmationRule(), silences)
    detected = [scoring.as_believed(c) for c in confirmed]
    verdict = scoring.hold_against_truth(
        lines, ideal, detected, plan.start, plan.end, lied, readings, silences
    )
    return verdict, totals


def _figures(
    history: History,
    plan: SimulationPlan,
    verdict: RehearsalScore,
    totals: rehearsal_readback.Totals,
    wall_s: float,
    cpu_s: float,
    delivered: int,
) -> dict[str, object]:
    return {
        "platforms": dict(Counter(a.platform.value for a in history.accounts)),
        "accounts": len(history.accounts),
        "from": plan.start.isoformat(),
        "to": plan.end.isoformat(),
        "every_s": plan.every.total_seconds(),
        "planner": plan.planner.value,
        "readings": totals.readings,
        "missed": totals.missed,
        "requests": totals.requests,
        "changes_true": verdict.changes_true,
        "changes_observable": verdict.observable,
        "changes_detected": verdict.detected,
        "changes_observable_missed": len(verdict.unseen),
        "false_changes": len(verdict.false),
        "intervals_containing_truth": len(verdict.delays_s),
        "misled_by_the_platform": len(verdict.misled),
        "spells_missed": verdict.spells_missed,
        "not_confirmed": totals.not_confirmed,
        "delay_s": _distribution(verdict.delays_s),
        "mails": totals.mails,
        "mails_in_mailbox": delivered,
        "mail_recipients": totals.mail_recipients,
        "bytes_per_reading": round(totals.coverage_bytes / totals.readings, 3) if totals.readings else None,
        "wall_s": round(wall_s, 1),
        "readings_per_s": round(totals.readings / wall_s),
        "cpu_s": round(cpu_s, 1),
        "notes": list(history.notes),
    }


def _distribution(values: Sequence[float]) -> dict[str, float | None]:
    """Mean, median and 95th percentile (nearest rank) of ascending values; None where there are none."""
    if not values:
        return {"mean": None, "p50": None, "p95": None}

    def rank(percent: int) -> float:
        return values[max(0, math.ceil(percent * len(values) / 100) - 1)]

    return {"mean": round(sum(values) / len(values), 1), "p50": rank(50), "p95": rank(95)}


def write_report(path: Path, report: RehearsalReport) -> None:
    """Write the cases behind the figures as JSON Lines: one case a line, with what is wrong about it."""
    cases = [
        ("false_change", report.verdict.false),
        ("wrong_interval", report.verdict.wrong_interval),
        ("misled_by_the_platform", report.verdict.misled),
        ("observable_but_not_detected", report.verdict.unseen),
    ]
    with path.open("w", encoding="utf-8") as file:
        for what, changes in cases:
            for change in changes:
                print(json.dumps({"what": what, **_as_json(change)}), file=file)


def _as_json(change: Believed) -> dict[str, object]:
    return {
        "account_id": change.native_id,
        "old": _state(change.old),
        "new": _state(change.new),
        "last_seen_old": change.last_seen_old and change.last_seen_old.isoformat(),
        "first_seen_new": change.first_seen_new.isoformat(),
    }


def _state(state: State | None) -> str | None:
    return None if state is None else " ".join((state.status.value, *state.withheld_in))
