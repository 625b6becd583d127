"""The command `replay`: the stored past decided again."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from jobs.base.atomic_files import refuse_taken, whole_file
from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.base.event_loop import run
from jobs.base.input_files import file_content
from jobs.base.output import show, show_json
from jobs.cli.command import AsJson, AsKnownAt, AtMoment, ConfigFile, moment_of
from jobs.cli.status import tell_then
from jobs.config.database import database, ready
from jobs.config.settings import Settings, load_settings
from jobs.replay import replay
from jobs.replay import report as replay_report
from jobs.replay.replay import Redecided
from jobs.replay.what_if_rules import OtherRules, read_other_rules
from storage.accounts.lookup import list_called
from storage.export.exports import snapshot
from storage.model.tables.csv_rows import TableError
from storage.postgres.pool import open_pool
from storage.replay.account_inputs import span

_MOST_BYTES = 1024 * 1024


def register(cli: typer.Typer) -> None:
    """Add the command to the command line."""
    cli.command("replay")(_replay)


def _replay(
    *,
    start: Annotated[
        str | None,
        typer.Option("--from", help="First moment, ISO 8601 in UTC; the first reading by default."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Up to, without, this moment; the present by default.")
    ] = None,
    at: AtMoment = None,
    as_known_at: AsKnownAt = None,
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules",
            help="Other rules, as TOML: [[rules]] as `alerts export` writes them, and "
            "[confirmation]. Those in force by default.",
        ),
    ] = None,
    of_list: Annotated[
        str | None,
        typer.Option("--list", help="Tell what differs for the accounts on this list; all are decided on."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write every difference to this new file, as JSON Lines.")
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Nothing is written to the database. With the rules in force nothing differs: if something does that is
    not explained, the exit code is 1.
    """
    if at is not None or as_known_at is not None:
        others = {"--from": start, "--to": end, "--rules": rules, "--list": of_list, "--report": report}
        if given := [name for name, value in others.items() if value is not None]:
            raise CommandError(f"{given[0]} decides again; --at and --as-known-at look at one moment.")
        tell_then(at, as_known_at, config, as_json=as_json)
        return
    now = system_clock()
    since, until = moment_of(start, "--from"), moment_of(end, "--to")
    other = OtherRules(None, None) if rules is None else _other(rules)
    if since is not None and since >= (until or now):
        given = "the present" if until is None else f"--to ({until.isoformat()})"
        raise CommandError(f"--from ({since.isoformat()}) is not before {given}.")
    if report is not None:
        refuse_taken(report)
    settings = load_settings(config)
    with database(settings) as dsn:
        found, begin, limit = run(lambda: _decided(settings, dsn, since, until or now, other, of_list))
    if report is not None:
        with whole_file(report) as file:
            for case in replay_report.cases(found):
                file.write(f"{json.dumps(case)}\n".encode())
    name = None if rules is None else rules.name
    if as_json:
        show_json(replay_report.as_json(found, begin, limit, name, of_list))
    else:
        show(replay_report.as_text(found, begin, limit, name, of_list))
    if found.unexplained:
        where = f"see {report}" if report else "run again with --report FILE to see all"
        raise CommandError(
            f"{found.compared.unexplained} changes and {found.mails.unexplained} mails come out otherwise by "
            f"the rules in force, and nothing explains it: {where}."
        )


async def _decided(
    settings: Settings,
    dsn: str,
    since: datetime | None,
    until: datetime,
    other: OtherRules,
    of_list: str | None,
) -> tuple[Redecided, datetime, datetime]:
    """What is found, and from when to when the readings are. Raises CommandError when there is none."""
    await ready(settings, dsn)
    async with open_pool(dsn, max_size=1) as pool, snapshot(pool) as conn:
        read = await span(conn)
        if read is None:
            raise CommandError("Nothing was ever read here, so there is nothing to decide on again.")
        first, last = read
        list_id = None if of_list is None else await list_called(conn, of_list)
        begin, limit = since or first, min(until, last + timedelta.resolution)
        found = None
        if begin < limit:
            thresholds = other.confirmation or replay.IN_FORCE
            found = await replay.redecide(conn, begin, limit, thresholds, other.rules, list_id)
        if found is None or not found.courses.readings:
            raise CommandError(
                f"There is no reading from {begin.isoformat()} to {until.isoformat()}: "
                f"they go from {first.isoformat()} to {last.isoformat()}."
            )
        return found, begin, limit


def _other(path: Path) -> OtherRules:
    content = file_content(path, _MOST_BYTES, "a file of rules")
    if len(content) > _MOST_BYTES:
        raise TableError(path.name, None, "more than 1 MB: that is no file of rules.")
    return read_other_rules(content, path.name)
