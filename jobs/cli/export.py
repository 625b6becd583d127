"""The commands `export` and `mcp`: stored rows as files, and answers for assistants."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.status import Status

from jobs.base.atomic_files import refuse_filled, refuse_taken
from jobs.base.errors import CommandError
from jobs.base.event_loop import run
from jobs.base.output import EscapingConsole, show, show_json
from jobs.base.wording import number
from jobs.cli.command import AsJson, ConfigFile, RepeatedlyBlocked, examples, moment_of, renamed
from jobs.config.database import database, read_dsn, ready
from jobs.config.demonstration import command_clock
from jobs.config.settings import load_settings
from jobs.export.export import (
    Exported,
    ExportRequest,
    Format,
    Progress,
    export_to_file,
    export_to_folder,
    export_to_stream,
)
from storage.export.exports import fault
from storage.model.core.accounts import Platform
from storage.model.core.late import gap_after
from storage.model.evidence.export_kinds import ExportFilter, Kind
from storage.postgres.pool import Pool, PoolLimits, open_pool
from storage.postgres.replica import with_replica

_STDOUT = Path("-")
_ASSISTANTS = PoolLimits(4, free_within_s=10, statement_s=60, lock_s=10, idle_s=120)


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.command(
        "export",
        cls=renamed(**{"from": "since", "to": "until", "out": "output"}),
        epilog=examples(
            "blockline export changes --since 2026-01-01 --output changes.csv",
            "blockline export readings --format parquet --output readings",
        ),
    )(export_command)
    cli.command("mcp", epilog=examples("blockline mcp", "blockline mcp --http 127.0.0.1:8055"))(mcp_command)


def export_command(
    kind: Annotated[Kind, typer.Argument(help="The kind of rows.")],
    *,
    form: Annotated[
        Format,
        typer.Option(
            "--format", help="Format of the output. Parquet writes a folder with one file per month."
        ),
    ] = Format.CSV,
    out: Annotated[
        Path,
        typer.Option(
            "--output", metavar="FILE", help="New file, or for Parquet a new folder; - is standard output."
        ),
    ] = _STDOUT,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Start of the period (ISO 8601, UTC).")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="End of the period, exclusive.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="DATE", help="For states: the moment to show. Default: now.")
    ] = None,
    as_known_at: Annotated[
        str | None,
        typer.Option("--as-known-at", metavar="DATE", help="Use only what was recorded by this time."),
    ] = None,
    list_name: Annotated[
        str | None, typer.Option("--list", metavar="LIST", help="Include only accounts on this list.")
    ] = None,
    platform: Annotated[Platform | None, typer.Option(help="Include only this platform.")] = None,
    post: Annotated[
        bool | None,
        typer.Option("--post/--no-post", help="Include only posts; with --no-post only accounts."),
    ] = None,
    repeatedly_blocked: RepeatedlyBlocked = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """A file or folder gets its name when it is complete. docs/reference/export.md explains each kind."""
    wanted = ExportFilter(
        command_clock(),
        moment_of(since, "--since"),
        moment_of(until, "--until"),
        moment_of(at, "--at"),
        moment_of(as_known_at, "--as-known-at"),
        list_name,
        platform,
        post,
        repeatedly_blocked,
    )
    order = ExportRequest(kind, form, wanted)
    _refuse(order, out, as_json=as_json)
    settings = load_settings(config)

    async def work(dsn: str, progress: Progress) -> Exported:
        await ready(settings, dsn)
        async with open_pool(dsn, max_size=1) as pool, with_replica(pool, read_dsn(settings)):
            return await _way_out(order, out)(pool, progress)

    try:
        with database(settings) as dsn, _status(quiet=out == _STDOUT and sys.stdout.isatty()) as status:
            done = run(lambda: work(dsn, _progress(status)))
    except OSError as error:
        # The interpreter must not try once more to write what it has left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return  # the reader closed the pipe
        raise CommandError(f"Cannot write to standard output: {error.strerror}.") from error
    except (KeyboardInterrupt, asyncio.CancelledError):
        left = "the output is incomplete" if out == _STDOUT else f"{out} was not written"
        raise CommandError(f"The export was stopped: {left}.") from None
    _show(done, out, as_json=as_json)


def _refuse(order: ExportRequest, out: Path, *, as_json: bool) -> None:
    """Raise CommandError for an impossible export, before anything is read."""
    if (why := fault(order.kind, order.wanted)) is not None:
        raise CommandError(why)
    if order.form is Format.PARQUET:
        if find_spec("pyarrow") is None:
            raise CommandError(
                "Parquet needs the package pyarrow, which is not installed. Install it with: "
                "make install-parquet"
            )
        if out == _STDOUT:
            raise CommandError("Parquet writes a folder of files; name a new folder with --output.")
        refuse_filled(out)
    elif out != _STDOUT:
        refuse_taken(out)
    elif as_json:
        raise CommandError("--json describes a written file; also give --output FILE.")


def _way_out(order: ExportRequest, out: Path) -> Callable[[Pool, Progress], Awaitable[Exported]]:
    if out == _STDOUT:
        return lambda pool, progress: export_to_stream(pool, order, sys.stdout.buffer, progress)
    if order.form is Format.PARQUET:
        return lambda pool, progress: export_to_folder(pool, order, out, progress)
    return lambda pool, progress: export_to_file(pool, order, out, progress)


def _status(*, quiet: bool) -> Status | nullcontext[None]:
    """Return a progress line for a terminal; none if rows are printed there."""
    err = EscapingConsole(stderr=True)
    return nullcontext() if quiet or not err.is_terminal else err.status("Reading …")


def _progress(status: Status | None) -> Progress:
    def report(rows: int, at: datetime | None) -> None:
        if status is not None:
            reached = "" if at is None else f", up to {at:%Y-%m-%d}"
            status.update(f"{number(rows, 'row')}{reached}")

    return report


def _show(done: Exported, out: Path, *, as_json: bool) -> None:
    size = sum(f.bytes for f in done.files)
    if as_json:
        files = [{"path": f.path, "rows": f.rows, "bytes": f.bytes, "sha256": f.sha256} for f in done.files]
        show_json({"kind": done.kind.value, "rows": done.rows, "files": files, "bytes": size})
    elif out != _STDOUT:
        where = str(out) if len(done.files) == 1 else f"{number(len(done.files), 'file')} of {out}"
        show(f"{done.kind}: {number(done.rows, 'row')} in {where}, {size:,} bytes.")


def mcp_command(
    *,
    http: Annotated[
        str | None,
        typer.Option(
            "--http",
            metavar="HOST:PORT",
            help="Serve over HTTP at this address. Default: standard input and output.",
        ),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Six tools read what is stored; none writes. Over HTTP each client needs a token with the scope read
    (`blockline tokens add`).
    """
    try:
        from jobs.mcp.server import serve  # its library is an extra that is not always installed
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"mcp", "mcp_types"}:
            raise
        raise CommandError(
            "This command needs the package mcp, which is not installed. Install it with: make install-mcp"
        ) from error
    address = None if http is None else _address(http)
    settings = load_settings(config)

    async def work(dsn: str) -> None:
        await ready(settings, dsn)
        async with open_pool(dsn, limits=_ASSISTANTS) as pool:
            await serve(pool, command_clock, gap_after(settings.sweep_every), address, _say)

    with database(settings) as dsn:
        run(lambda: work(dsn))


def _say(sentence: str) -> None:
    """Standard output is for the client."""
    print(sentence, file=sys.stderr)


def _address(text: str) -> tuple[str, int]:
    """The host and port of an option. Raises CommandError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not port.isascii() or int(port) > 65_535:
        raise CommandError(f"--http: {text!r} is not an address; write it like 127.0.0.1:8055.")
    return host.strip("[]"), int(port)
