"""Commands about the whole database: backup, restore, upgrade, migrate."""

import getpass
import os
import socket
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from jobs.base.atomic_files import private_folder, refuse_taken, whole_file
from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.base.event_loop import run
from jobs.base.output import EscapingConsole, moment, show, show_json
from jobs.base.wording import number
from jobs.cli.command import AsJson, ConfigFile, examples
from jobs.config import places
from jobs.config.database import database
from jobs.config.demonstration import command_clock
from jobs.config.settings import Settings, load_settings
from storage.backup.archive import BackupManifest, BackupProgress, read_backup
from storage.backup.backup import back_up
from storage.backup.backup_log import RecordedBackup, record_backup
from storage.backup.restore import restore
from storage.embedded.upgrade import upgrade_folder
from storage.model.text.units import span
from storage.postgres.errors import StorageError
from storage.postgres.migrate import (
    SLOW_DISK,
    PendingStep,
    grant_reading,
    grant_running,
    migrate,
    pending_steps,
)
from storage.postgres.pool import open_pool, transaction
from storage.postgres.schema import newest
from storage.tier.archiving import archive_closed, due_months
from storage.tier.months import LEAST_MONTHS
from storage.tier.restoring import restore_archived

BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="The backup file.")]


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.command("backup", epilog=examples("blockline backup", "blockline backup blockline.backup"))(
        backup_command
    )
    cli.command("restore", epilog=examples("blockline restore blockline.backup"))(restore_command)
    cli.command("archive", epilog=examples("blockline archive --dry-run", "blockline archive --months 13"))(
        archive_command
    )
    cli.command("unarchive", epilog=examples("blockline unarchive 2026-01"))(unarchive_command)
    cli.command("upgrade", epilog=examples("blockline upgrade"))(upgrade_command)
    cli.command(
        "migrate",
        epilog=examples(
            "blockline migrate --dry-run", "blockline migrate --grant blockline --grant-read grafana"
        ),
    )(migrate_command)


def backup_command(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The backup file. Default: a new one in the folder for backups."),
    ] = None,
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """The backup contains the database of one moment. The file is read back and verified, and
    Health shows when that was. `blockline where` names the folder for backups."""
    settings = load_settings(config)
    if file is None:
        folder = private_folder(places.backup_folder(settings.data_dir))
        file = folder / f"blockline-{system_clock():%Y%m%dT%H%M%SZ}.backup"
    refuse_taken(file)
    with database(settings) as dsn, _shown("Backing up") as progress:
        manifest = _save(dsn, file, _key(settings), progress)
        size = file.stat().st_size
        unrecorded = _record(dsn, file, manifest, is_signed=_key(settings) is not None)
    if archived := next((t.rows for t in manifest.tables if t.name == "archived_month"), 0):
        print(
            f"Note: the files of {number(archived, 'archived month')} are not in the backup. Copy the folder "
            "of setting archive_url as well.",
            file=sys.stderr,
        )
    if unrecorded is not None:
        print(f"Note: the backup is whole, but Health cannot show it: {unrecorded}", file=sys.stderr)
    if as_json:
        show_json(_as_json(file, manifest) | {"bytes": size})
    else:
        show(
            f"{file} contains {number(manifest.rows, 'row')} of {number(len(manifest.tables), 'table')} "
            f"({size / 1e6:,.1f} MB) and was verified. Restore it with: blockline restore {file}"
        )


def restore_command(file: BackupFile, *, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """The file is verified before anything is written. Restoring an older backup also restores data purged
    since.
    """
    settings = load_settings(config)
    with _shown("Restoring") as progress:
        backup = read_backup(file, progress, _key(settings))
        with database(settings) as dsn:
            run(lambda: restore(dsn, backup, progress))
    if as_json:
        show_json(_as_json(file, backup.manifest))
    else:
        show(
            f"{number(backup.manifest.rows, 'row')} of {number(len(backup.manifest.tables), 'table')} are "
            f"restored, as they were on {moment(backup.manifest.created_at)}."
        )


def archive_command(
    *,
    months: Annotated[
        int | None,
        typer.Option(
            min=LEAST_MONTHS,
            help="The age of a month, in months. Default: setting archive_after_months, or 2.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show the months that would be archived.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """The current month and the one before it stay in the database. The files are read back and compared with
    the database before rows are removed from it. All questions are answered as before.
    """
    settings = load_settings(config)
    if settings.archive_url is None:
        raise CommandError("Setting archive_url is not set. Set it to the folder or address of the archive.")
    url, now = settings.archive_url, command_clock()
    age = months or settings.archive_after_months or LEAST_MONTHS
    with database(settings) as dsn:
        if dry_run:
            due, done = run(lambda: due_months(dsn, now, age)), []
        else:
            due, done = [], run(lambda: archive_closed(dsn, url, now, age, _user()))
    if as_json:
        show_json(
            {
                "would_archive": [f"{month:%Y-%m}" for month in due],
                "archived": [
                    {"month": f"{m.month:%Y-%m}", "rows": m.rows, "kept": m.kept, "bytes": m.size}
                    for m in done
                ],
            }
        )
        return
    for month in due:
        show(f"{month:%Y-%m} would be archived in {url}.")
    for m in done:
        show(
            f"{m.month:%Y-%m} is archived: {number(m.rows, 'row')} in {m.size / 1e6:,.1f} MB, and the "
            f"database keeps {number(m.kept, 'row')}."
        )
    if not due and not done:
        show(f"No month in the database is {age} months old.")


def unarchive_command(
    month: Annotated[str, typer.Argument(metavar="MONTH", help="The month, as YYYY-MM.")],
    *,
    config: ConfigFile = None,
) -> None:
    """Its files are compared with what was archived before anything is changed. With the setting
    archive_after_months, the month is archived again on the next day.
    """
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise CommandError(f"{month!r} is not a month. Write it as 2026-01.") from None
    with database(load_settings(config)) as dsn:
        done = run(lambda: restore_archived(dsn, first, command_clock(), _user()))
    show(f"{month} is in the database again: {number(done.rows, 'row')}.")


def upgrade_command(
    *,
    old_binaries: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Programs of the Postgres version that made the database."),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """The database is copied into a new one. The old files are kept."""
    settings = load_settings(config)
    if settings.database_url is not None:
        raise CommandError(
            "Setting database_url names your own Postgres server. Upgrade that server as its documentation "
            "describes."
        )
    with _shown("Upgrading") as progress:

        def carry(old_dsn: str, new_dsn: str, file: Path) -> None:
            _save(old_dsn, file, None, progress)
            backup = read_backup(file, progress)
            run(lambda: restore(new_dsn, backup, progress))

        done = upgrade_folder(settings.data_dir / "postgres", old_binaries, carry)
    show(
        f"The database now uses Postgres {done.new}. The files of Postgres {done.old} are kept in "
        f"{done.kept}; delete them when you no longer need them."
    )


def _key(settings: Settings) -> bytes | None:
    return None if settings.backup_key is None else settings.backup_key.get_secret_value().encode()


def _save(dsn: str, file: Path, key: bytes | None, progress: BackupProgress) -> BackupManifest:
    """Write a backup that only its owner may read. It gets its name after it is verified."""
    with whole_file(file) as out:
        os.fchmod(out.fileno(), 0o600)
        manifest = run(lambda: back_up(dsn, out, command_clock(), progress, key))
        out.flush()
        read_backup(Path(out.name), progress, key)
    return manifest


def _record(dsn: str, file: Path, manifest: BackupManifest, *, is_signed: bool) -> str | None:
    """Record a verified backup. Return the sentence why that failed; a replica, for one, takes no writes."""
    made = RecordedBackup(
        created_at=manifest.created_at,
        verified_at=max(command_clock(), manifest.created_at),
        made_by=_user(),
        host=socket.gethostname(),
        file=str(file.resolve()),
        bytes=file.stat().st_size,
        is_signed=is_signed,
    )

    async def recorded() -> None:
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            await record_backup(conn, made)

    try:
        run(recorded)
    except StorageError as error:
        return str(error)
    return None


def _user() -> str:
    """Who runs this command. A container may have no name for the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


@contextmanager
def _shown(task: str) -> Generator[BackupProgress]:
    """Show the progress of a task on a terminal."""
    console = EscapingConsole(stderr=True)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        DownloadColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    with bar:
        shown = bar.add_task(task, total=None)
        yield lambda what, size: bar.update(shown, description=f"{task}: {what}", completed=size)


def _as_json(file: Path, manifest: BackupManifest) -> dict[str, object]:
    return {
        "file": str(file),
        "created_at": manifest.created_at.isoformat(),
        "schema": manifest.revision,
        "blockline": manifest.blockline,
        "postgres": manifest.postgres,
        "rows": manifest.rows,
        "tables": {t.name: t.rows for t in manifest.tables},
    }


def migrate_command(
    *,
    grant: Annotated[
        str | None,
        typer.Option(metavar="ROLE", help="Also allow this database role to run Blockline."),
    ] = None,
    grant_read: Annotated[
        str | None,
        typer.Option(metavar="ROLE", help="Also allow this database role to read the views for SQL clients."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only show the steps and the tables that they rewrite."),
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Only your own Postgres server (setting database_url) needs this command. The first command of a new
    version migrates the embedded database.
    """
    settings = load_settings(config)
    if dry_run and (grant or grant_read):
        raise CommandError("Give --dry-run without --grant and --grant-read.")
    with database(settings) as dsn:
        if dry_run:
            _show_pending(run(lambda: pending_steps(dsn)))
            return
        done = run(lambda: migrate(dsn))
        if grant is not None:
            run(lambda: grant_running(dsn, grant))
        if grant_read is not None:
            run(lambda: grant_reading(dsn, grant_read))
    if done.before == done.after:
        print(f"The database already has schema {done.after}.")
    elif done.before is None:
        print(f"The database was empty and now has schema {done.after}.")
    else:
        print(f"The database was migrated from schema {done.before} to {done.after}.")
    if grant is not None:
        print(f"The role {grant} can run Blockline: it reads all tables, and only adds to append-only ones.")
    if grant_read is not None:
        print(f"The role {grant_read} can read the views of the schema blockline_read.")


def _show_pending(steps: Sequence[PendingStep]) -> None:
    if not steps:
        show(f"The database has schema {newest()} already. There is nothing to do.")
        return
    for step in steps:
        tables = ", ".join(f"{table} ({size / 1e9:,.1f} GB)" for table, size in step.rewritten.items())
        pace = f"{span(step.takes)} at {SLOW_DISK / 1e6:,.0f} MB per second"
        rewritten = f"{tables}, {pace}" if tables else "no stored rows"
        show(f"{step.revision} rewrites {rewritten}: {step.title}")
    show("All steps run in one transaction. Nothing was changed.")
