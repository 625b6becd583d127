"""The command `run`, and the commands about workers: which are active, which requests wait in the queue, and
which failed.
"""

import logging
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from dashboard.health import worker_words
from dashboard.health.words import asked_lately, counted_as
from dashboard.health.words import left as words_of_left
from jobs.base.errors import CommandError
from jobs.base.event_loop import for_ever, run
from jobs.base.log_format import LogFormat, configure_logs
from jobs.base.output import moment, show, show_json
from jobs.base.wording import number
from jobs.cli.command import COMMAND_LINE, AsJson, ConfigFile, examples
from jobs.config.database import database, with_conn
from jobs.config.demonstration import command_clock, refuse_demonstration
from jobs.config.settings import load_settings
from jobs.runtime import app
from jobs.runtime.app import ProcessRole
from jobs.runtime.platform_loop import refuses_shards
from jobs.status.workers import budget_json, machines_json, worker_row
from storage.health.workers_report import Queue, WorkersReport, machines
from storage.model.core.accounts import Platform
from storage.model.core.shards import MOST_SHARDS, ShardNumbers
from storage.model.limits.rate_limits import BudgetBasis, NamedBudget
from storage.model.text.collectors import collector_name, source_words
from storage.model.text.states import PLATFORM_NAME
from storage.postgres.audit_log import log_each
from storage.postgres.pool import Conn
from storage.work.rate_limits import budgets
from storage.work.request_queue import FailedJob, drop_held, held_jobs
from storage.work.shards import put_in_force, shard_numbers, want_shards

log = logging.getLogger(__name__)

workers = typer.Typer(invoke_without_command=True, epilog=examples("blockline workers"))


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.command("run", epilog=examples("blockline run", "blockline run --role collect"))(run_command)
    cli.add_typer(workers, name="workers")


def run_command(
    *,
    config: ConfigFile = None,
    role: Annotated[
        list[ProcessRole] | None,
        typer.Option(help="Run only this part; can be repeated. Default: all parts."),
    ] = None,
) -> None:
    """Settings are read from blockline.toml and from environment variables that start with BLOCKLINE_."""
    refuse_demonstration()
    settings = load_settings(config)
    configure_logs(LogFormat(settings.log_format))
    roles = role or list(ProcessRole)
    app.check(settings, roles)
    with database(settings) as dsn:

        async def work() -> None:
            async with app.running(settings, dsn, roles) as said:
                for sentence in said:
                    log.info("%s", sentence, extra={"event": "started"})
                await for_ever()

        run(work)


@workers.callback()
def workers_command(context: typer.Context, *, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Without a command, the output lists workers that reported in the last minute, the queue of requests,
    and failed requests that are parked.
    """
    if context.invoked_subcommand is not None:
        return
    now = command_clock()

    async def read(conn: Conn) -> tuple[WorkersReport, list[NamedBudget]]:
        return await machines(conn, now), asked_lately(await budgets(conn), now)

    found, left = with_conn(load_settings(config), read)
    if as_json:
        budgets_json = [budget_json(one, now) for one in left]
        show_json({"at": now.isoformat(), **machines_json(found, now), "budgets": budgets_json})
        return
    if found.workers:
        table = Table("Worker", "Address", "Reads", "Started", "Last report", "Clock", "Status")
        for worker in found.workers:
            table.add_row(*worker_row(worker, now))
        show(table)
    else:
        show("No worker has reported in the last minute.")
    if found.queues:
        show(_queue(found.queues))
        if any(queue.unheard_since is not None for queue in found.queues):
            wrong = worker_words.queue_verdict(found, now)
            show(f"{wrong.wrong} {wrong.to_do}")
    if left:
        show(_left(left, now))
    if found.held:
        show(_parked(found.held))
        if more := found.held_in_all - len(found.held):
            show(f"… and {more:,} more.")
        show("Remove them with: blockline workers drop --all. Later requests ask for the same accounts.")


def _queue(queues: tuple[Queue, ...]) -> Table:
    table = Table("Queue", "Leader", "Waiting", "In progress", "Parked", "Oldest")
    for queue in queues:
        line = queue.line
        counts = (f"{n:,}" for n in (line.waiting, line.in_hand, line.held))
        planner = queue.planner or "none"
        table.add_row(source_words(line.source), planner, *counts, moment(line.oldest_at))
    return table


def _left(left: list[NamedBudget], now: datetime) -> Table:
    table = Table("Requests left", "Key or address", "Left", "Until", "Last request")
    for one in left:
        name, (left_words, _) = collector_name(one.platform, "", ""), words_of_left(one.budget, now)
        until = one.budget.until if one.budget.basis_at(now) is BudgetBasis.COUNTED else None
        table.add_row(name, counted_as(one), left_words, moment(until), moment(one.taken_at))
    return table


def _parked(parked: tuple[FailedJob, ...]) -> Table:
    table = Table("Number", "Source", "Since", "Error")
    for job in parked:
        table.add_row(
            str(job.job_id), source_words(job.source), moment(job.since), worker_words.failed_request(job)
        )
    return table


@workers.command("drop", epilog=examples("blockline workers drop 17", "blockline workers drop --all"))
def workers_drop(
    numbers: Annotated[
        list[int] | None,
        typer.Argument(
            metavar="N", help="Numbers of the requests (see `blockline workers`).", show_default=False
        ),
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Drop all failed requests.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Drop failed requests.

    The audit log keeps the error of each.
    """
    if bool(numbers) == everything:
        raise typer.BadParameter("Give the numbers of the requests, or --all.")
    dropped = with_conn(
        load_settings(config), lambda conn: _drop(conn, None if everything else set(numbers or ()))
    )
    if as_json:
        show_json({"dropped": [job.job_id for job in dropped]})
    else:
        show(
            f"{number(len(dropped), 'failed request')} dropped."
            if dropped
            else "There are no failed requests."
        )


@workers.command("shards", epilog=examples("blockline workers shards x", "blockline workers shards x 2"))
def workers_shards(
    platform: Annotated[Platform, typer.Argument(help="The platform.", show_default=False)],
    count: Annotated[
        int | None,
        typer.Argument(
            metavar="N", min=1, max=MOST_SHARDS, help="The number of shards to set.", show_default=False
        ),
    ] = None,
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Show or set the number of shards of a platform.

    The accounts of a platform are divided among its shards.
    Each shard has one leader, in any process that runs the role collect. A new number takes effect when all
    leaders have recorded the requests that are under way, in about half a minute at most.
    """
    settings = load_settings(config)
    if count is not None and count > 1 and (reason := refuses_shards(settings, platform)) is not None:
        raise CommandError(reason)

    async def work(conn: Conn) -> ShardNumbers:
        return await shard_numbers(conn, platform) if count is None else await _divide(conn, platform, count)

    numbers = with_conn(settings, work)
    if as_json:
        show_json({"platform": platform.value, "in_force": numbers.in_force, "wanted": numbers.wanted})
        return
    name = PLATFORM_NAME[platform]
    show(f"{name} has {number(numbers.in_force, 'shard')}.")
    if numbers.wanted != numbers.in_force:
        show(f"It will have {numbers.wanted} once each leader has recorded what it requested.")


async def _divide(conn: Conn, platform: Platform, count: int) -> ShardNumbers:
    """Set the number of shards. Return the numbers now."""
    before = await want_shards(conn, platform, count)
    if before.wanted != count:
        detail = {"before": before.wanted, "after": count}
        await log_each(
            conn, command_clock(), COMMAND_LINE, "number of shards set", [(platform.value, detail)]
        )
    return await put_in_force(conn, platform)


async def _drop(conn: Conn, numbers: set[int] | None) -> list[FailedJob]:
    """Drop failed requests. Raises CommandError if one of the numbers is unknown; then none is dropped."""
    parked = await held_jobs(conn)
    if numbers is not None and (unknown := sorted(numbers - {job.job_id for job in parked})):
        raise CommandError(f"There is no failed request {unknown[0]}; `blockline workers` lists them.")
    dropped = [job for job in parked if numbers is None or job.job_id in numbers]
    await drop_held(conn, [job.job_id for job in dropped])
    await log_each(
        conn,
        command_clock(),
        COMMAND_LINE,
        "held request forgotten",
        [
            (
                f"request to {source_words(job.source)}",
                {"request": job.key, "held_since": job.since.isoformat(), "said": job.said},
            )
            for job in dropped
        ],
    )
    return dropped
