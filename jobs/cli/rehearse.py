"""The commands on simulated platforms: `rehearse`, `demo` and `simulate`.

`rehearse` compares the real pipeline with a recorded history or a table of legal demands; `demo` shows a
scenario; `simulate` serves the platforms alone, to test other clients.
"""

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from collectors.simulator.faults import PROFILES, FaultPlan, profile
from collectors.simulator.history import History
from collectors.simulator.history_files import load_history
from collectors.simulator.platform_simulator import simulator_of
from collectors.simulator.server import first_time
from dashboard.orders.order_json import summary_json
from dashboard.orders.words import sentences
from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.base.event_loop import for_ever, run
from jobs.base.input_files import table_content
from jobs.base.output import EscapingConsole
from jobs.base.wording import number
from jobs.cli.command import AsJson, examples, moment_of, renamed
from jobs.config.demonstration import CLOCK_VARIABLE
from jobs.orders.legal_demands import is_legal_demands, read_legal_demands
from jobs.rehearsal import demo, rehearse
from jobs.rehearsal.demands_history import history_of, in_time, until
from jobs.rehearsal.pipeline import SimulationPlan
from jobs.rehearsal.simulators import Played, acts_for, played, read_history_file, serving
from jobs.runtime.web import listen_on
from storage.embedded.launcher import embedded_postgres
from storage.model.core.accounts import Platform
from storage.model.sizing.question import LONGEST, SHORTEST, PlannerKind
from storage.model.tables.csv_rows import TableError, header_of
from storage.model.text.states import PLATFORM_NAME, clean
from storage.model.text.units import parse_duration
from storage.postgres.migrate import migrate

err = EscapingConsole(stderr=True)


@contextmanager
def scratch_database() -> Generator[str]:
    """Yield an empty, migrated database, and delete it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="blockline-postgres-"))
    try:
        with embedded_postgres(folder, fsync=False) as dsn:
            run(lambda: migrate(dsn))
            yield dsn
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def progress(start: datetime, end: datetime, *, shown: bool) -> Generator[tuple[Progress, TaskID]]:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
        console=err,
        disable=not shown,
        transient=True,
    )
    with bar:
        task = bar.add_task(f"{start:%Y-%m-%d}", total=(end - start).total_seconds(), said="")
        yield bar, task


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.command(
        "rehearse",
        cls=renamed(**{"from": "since", "to": "until"}),
        epilog=examples("blockline rehearse history.csv.gz --every 1d"),
    )(_rehearse)
    cli.command("demo", epilog=examples("blockline demo"))(_demo)
    cli.command("simulate", epilog=examples("blockline simulate history.csv --faults light"))(_simulate)


def _rehearse(
    history: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Status history or table of legal demands: CSV, plain or gzipped."
        ),
    ],
    *,
    start: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Start (ISO 8601, UTC).")
    ] = None,
    end: Annotated[str | None, typer.Option("--until", metavar="DATE", help="End (ISO 8601, UTC).")] = None,
    every: Annotated[
        str, typer.Option(metavar="SPAN", help="Interval between readings of an account: 15m, 1d.")
    ] = "15m",
    platform: Annotated[
        Played | None, typer.Option(help="Play all accounts on this platform. Default: as in the file.")
    ] = None,
    planner: Annotated[
        PlannerKind, typer.Option(help="sweep reads in turn; adaptive reads lists with recent changes first.")
    ] = PlannerKind.SWEEP,
    budget: Annotated[
        float | None,
        typer.Option(metavar="N", help="Readings per hour, instead of --every.", min=1, show_default=False),
    ] = None,
    faults: Annotated[
        str, typer.Option(metavar="PROFILE", help=f"Faults of the platform: {', '.join(PROFILES)}.")
    ] = "none",
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON Lines file for all wrong cases.")
    ] = None,
    orders: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Orders that exist from the start; figures are shown at the end."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The real monitor reads simulated platforms in simulated time, and its changes are compared with the
    history.

    The history can also be a table of legal demands. Each account then gets its reported status six hours
    after the day of its demand, which is an assumption. All demands of a day form one order.
    """
    begin, limit = moment_of(start, "--since"), moment_of(end, "--until")
    with ExitStack() as stack:
        papers = None if orders is None else rehearse.RehearsalOrders(orders.name, table_content(orders))
        content = table_content(history)
        if is_legal_demands(header_of(content)):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="blockline-demands-")))
            papers = papers or rehearse.RehearsalOrders(history.name, content)
            history, limit = _as_history(content, history.name, begin, limit, folder)
        truth = played(load_history(history), platform)
        try:
            first, last = rehearse.span(truth)
        except ValueError as error:
            raise CommandError(f"{history.name}: {error}.") from error
        pace = _duration(every, "--every") if budget is None else _within(budget, len(truth.accounts))
        plan = SimulationPlan(begin or first, limit or last, pace, planner=planner)
        fault_plan(faults)
        if plan.end <= plan.start:
            raise CommandError(
                f"--until ({plan.end.isoformat()}) is not after --since ({plan.start.isoformat()})."
            )
        if report is not None and not report.parent.is_dir():
            raise CommandError(f"--report: the folder {report.parent} does not exist.")
        dsn = stack.enter_context(scratch_database())
        bar, task = stack.enter_context(progress(plan.start, plan.end, shown=err.is_terminal))

        def on_progress(at: rehearse.Progress) -> None:
            bar.update(
                task,
                completed=(at.at - plan.start).total_seconds(),
                description=f"{at.at:%d %b %Y}",
                said=f"{at.readings:,} readings",
            )

        found = run(
            lambda: rehearse.rehearse(history, platform, truth, plan, faults, dsn, on_progress, papers)
        )
    if report is not None:
        rehearse.write_report(report, found)
    _show_result(found, as_json=as_json)
    if not found.is_right:
        raise CommandError(
            f"The backtest found {number(len(found.verdict.false), 'false change')} and "
            f"{number(len(found.verdict.wrong_interval), 'wrong change window')}. "
            + (f"See {report}." if report else "Run again with --report FILE to see them.")
        )


_AFTER_THE_DEMO = """\
The scenario has ended; the dashboard runs until Ctrl-C. What to look at now:
  {address}/orders           how far each order was followed, and the report on it
  {address}/accounts         every account, and the posts that the second order names
  {address}/replay           any moment again, as it was or as it was known then
  {address}/executives       engagement of executives beside the blocks
  {address}/mail             the emails that a desk would have got
To watch accounts of your own (some platforms need no key): docs/how-to/first-run.md"""


def _demo(
    *,
    headless: Annotated[
        bool, typer.Option(help="Run without a dashboard at full speed, and stop at the end.")
    ] = False,
    as_json: AsJson = False,
    port: Annotated[
        int,
        typer.Option(metavar="PORT", help="Port of the dashboard; 0 chooses a free port.", min=0, max=65535),
    ] = 8050,
) -> None:
    """All data is synthetic and is deleted at the end. No settings, keys or database are needed."""
    story = demo.scenario()
    with ExitStack() as stack:
        listener = None if headless else stack.enter_context(listen_on("127.0.0.1", port))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="blockline-demo-")))
        err.print("Starting Postgres …")
        dsn = stack.enter_context(scratch_database())
        bar, task = stack.enter_context(progress(story.start, story.end, shown=err.is_terminal))

        def after(at: datetime, tally: demo.MonitorCounts) -> None:
            bar.update(
                task,
                completed=(at - story.start).total_seconds(),
                description=f"{at:%d %b %Y %H:%M} UTC",
                said=f"{tally.readings:,} readings",
            )

        async def at_once(_: datetime) -> None:
            """Do not wait, because no one is watching."""

        def show_result(ended: demo.DemoResult) -> None:
            if as_json:
                print(json.dumps(dataclasses.asdict(ended)), flush=True)
            else:
                err.print(_ended_sentence(ended))

        async def play() -> None:
            if listener is None:
                show_result(
                    await demo.play(dsn, folder, story, dashboard_url=None, before=at_once, after=after)
                )
                return
            clock = demo.paced_clock()
            async with demo.shown(dsn, listener, clock) as address:
                err.print(
                    f"Dashboard on {address} (synthetic, about {demo.minutes_long():.0f} min; Ctrl-C ends it)"
                )
                err.print(
                    "To run commands on the same data, enter this in another terminal. The scenario has a "
                    "time of its own, which commands then use:"
                )
                err.print(
                    f"export BLOCKLINE_DATABASE_URL='{dsn}' {CLOCK_VARIABLE}='{demo.clock_of(folder)}'",
                    soft_wrap=True,
                    highlight=False,
                )
                show_result(
                    await demo.play(
                        dsn, folder, story, dashboard_url=address, before=clock.wait_for, after=after
                    )
                )
                err.print(_AFTER_THE_DEMO.format(address=address))
                await for_ever()

        run(play)


def _ended_sentence(ended: demo.DemoResult) -> str:
    kinds = ", ".join(f"{n} {kind}" for kind, n in ended.changes.items() if n)
    return (
        f"{ended.accounts:,} accounts, {ended.posts} posts, {ended.readings:,} readings, confirmed changes: "
        f"{kinds}; {ended.mails} emails; false changes: {ended.false_changes}."
    )


def _show_result(found: rehearse.RehearsalReport, *, as_json: bool) -> None:
    if as_json:
        orders = {"orders": [summary_json(o) for o in found.orders]} if found.orders else {}
        print(json.dumps({**found.figures, **orders}))
        return
    for name, value in found.figures.items():
        print(f"{name:<28} {value}")
    for order in found.orders:
        print(f"\n{clean(order.order.reference)}: {' '.join(sentences(order))}")


def _as_history(
    content: bytes, name: str, start: datetime | None, end: datetime | None, folder: Path
) -> tuple[Path, datetime]:
    """Write a history file of the demands in the period; return it with the end of the period."""
    table = read_legal_demands(content, name, system_clock(), by_day=True)
    if table.problems:
        err.print(
            f"{name}: {number(len(table.problems), 'line')} left out; `blockline orders import` says why."
        )
    demands = in_time([o for one in table.rows for o in one.orders], start, end)
    if not demands:
        raise TableError(name, None, "the file has no demands between --since and --until.")
    path = folder / f"{Path(name).name.removesuffix('.gz')}"
    path.write_text("\n".join(history_of(demands)) + "\n", encoding="utf-8")
    return path, end or until(demands)


def _within(budget: float, accounts: int) -> timedelta:
    """Return the interval at which a number of readings per hour reads every account. Raises CommandError."""
    seconds = accounts * 3600 / budget
    if not seconds <= LONGEST.total_seconds():  # nor where the budget is "nan", which no bound refuses
        raise CommandError(
            "--budget: each account would be read less than once per year; use a higher number."
        )
    sweep = timedelta(seconds=round(seconds))
    if sweep < SHORTEST:
        raise CommandError(
            "--budget: each account would be read more than once per minute; use a lower number."
        )
    return sweep


def _duration(text: str, option: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise CommandError(f"{option}: {error}") from error


def fault_plan(name: str) -> FaultPlan:
    """The fault profile given with --faults. Raises CommandError with the names there are."""
    try:
        return profile(name)
    except ValueError as error:
        raise CommandError(f"--faults: {error}.") from error


def guide(platform: Platform, address: str, history: History, now: datetime) -> list[str]:
    """Return instructions for testing a client against the simulator at `address`, a line each."""
    accounts = [account for account in history.accounts if account.platform is platform]
    simulator = simulator_of(platform)
    lines = [
        f"{PLATFORM_NAME[platform]} on {address}, {len(accounts):,} accounts",
        *simulator.notes(accounts),
    ]
    lines += [f"  {call}" for call in simulator.calls]
    clock = f'{{"now": "{now.isoformat()}"}}'
    lines += [
        f"  set its fixed clock:    curl -X PUT {address}/_simulator/clock -d '{clock}'",
        f"  its request counts:     curl {address}/_simulator/counts",
        f"  example request:        {simulator.example(address, accounts[0])}",
    ]
    return lines


def _simulate(
    history: Annotated[Path, typer.Argument(metavar="FILE", help="Status history: CSV, plain or gzipped.")],
    *,
    platform: Annotated[
        Played | None, typer.Option(help="Serve all accounts on this platform. Default: as in the file.")
    ] = None,
    acts: Annotated[Path | None, typer.Option(metavar="FILE", help="Engagements of executives, CSV.")] = None,
    faults: Annotated[
        str, typer.Option(metavar="PROFILE", help=f"Faults of the platform: {', '.join(PROFILES)}.")
    ] = "none",
    port: Annotated[
        int,
        typer.Option(
            metavar="PORT",
            help="Port of the first platform; others use the next ports. 0 chooses free ports.",
            min=0,
            max=65533,
        ),
    ] = 8060,
) -> None:
    """Local servers speak the APIs of the platforms, and play back a status history."""
    plan = fault_plan(faults)
    served = read_history_file(history, platform)
    done = acts_for(acts, served)

    async def serve() -> None:
        try:
            async with serving(served, done, plan, port) as addresses:
                for on, address in addresses.items():
                    print("\n".join(guide(on, address, served, first_time(served))), end="\n\n")
                print("Press Ctrl-C to stop.", flush=True)
                await for_ever()
        except ValueError as error:
            raise CommandError(f"{history.name}: {error}.") from error
        except OSError as error:
            raise CommandError(
                f"--port: cannot listen on port {port} and those after it: {error.strerror}."
            ) from error

    run(serve)
