"""The command `simulate`: the simulators alone, to test other clients."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from collectors.simulator.faults import PROFILES, FaultPlan, profile
from collectors.simulator.history import History
from collectors.simulator.platform_simulator import simulator_of
from collectors.simulator.server import first_time
from jobs.base.errors import CommandError
from jobs.base.event_loop import for_ever, run
from jobs.cli.command import examples
from jobs.rehearsal.simulators import Played, acts_for, read_history_file, serving
from storage.model.core.accounts import Platform
from storage.model.text.states import PLATFORM_NAME


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


def register(cli: typer.Typer) -> None:
    """Add the command to the command line."""
    cli.command("simulate", epilog=examples("blockline simulate history.csv --faults light"))(_simulate)


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
