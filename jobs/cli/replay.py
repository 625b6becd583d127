"""The command `replay`: stored readings evaluated again."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs.base.atomic_files import refuse_taken, whole_file
from jobs.base.errors import CommandError
from jobs.base.event_loop import run
from jobs.base.input_files import file_content
from jobs.base.output import show, show_json
from jobs.base.wording import number
from jobs.cli.command import AsJson, AsKnownAt, AtMoment, ConfigFile, examples, moment_of, renamed
from jobs.cli.status import print_status_at
from jobs.config.database import database, read_dsn, ready
from jobs.config.demonstration import command_clock
from jobs.config.settings import Settings, load_settings
from jobs.replay import report as replay_report
from jobs.replay.replay import Redecided, redecide_stored
from jobs.replay.what_if_rules import OtherRules, read_other_rules
from storage.model.tables.csv_rows import TableError

_MOST_BYTES = 1024 * 1024


def register(cli: typer.Typer) -> None:
    """Add the command to the command line."""
    cli.command(
        "replay",
        cls=renamed(**{"from": "since", "to": "until"}),
        epilog=examples(
            "blockline replay --since 2021-02-01 --until 2021-02-08",
            "blockline replay --rules other.toml --report differences.jsonl",
        ),
    )(_replay)


def _replay(
    *,
    start: Annotated[
        str | None,
        typer.Option("--since", metavar="DATE", help="Start (ISO 8601, UTC). Default: the first reading."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="End, exclusive. Default: now.")
    ] = None,
    at: AtMoment = None,
    as_known_at: AsKnownAt = None,
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules",
            metavar="FILE",
            help="TOML file with other [[rules]] (see `alerts export`) and [confirmation]. Default: the "
            "current rules.",
        ),
    ] = None,
    of_list: Annotated[
        str | None,
        typer.Option(
            "--list",
            metavar="LIST",
            help="Show differences only for accounts on this list; all are evaluated.",
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="New JSON Lines file for all differences.")
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Stored readings pass detection, confirmation and alert rules again; the output is what would differ.
    Nothing is written to the database. With the current rules nothing should differ: the exit code is 1 if
    an unexplained difference is found.

    With --at or --as-known-at, the command shows the status at that moment instead.
    """
    if at is not None or as_known_at is not None:
        others = {"--since": start, "--until": end, "--rules": rules, "--list": of_list, "--report": report}
        if given := [name for name, value in others.items() if value is not None]:
            raise CommandError(f"{given[0]} cannot be combined with --at or --as-known-at.")
        print_status_at(at, as_known_at, config, as_json=as_json)
        return
    now = command_clock()
    since, until = moment_of(start, "--since"), moment_of(end, "--until")
    other = OtherRules() if rules is None else _other(rules)
    if since is not None and since >= (until or now):
        given = "now" if until is None else f"--until ({until.isoformat()})"
        raise CommandError(f"--since ({since.isoformat()}) is not before {given}.")
    if report is not None:
        refuse_taken(report)
    settings = load_settings(config)
    with database(settings) as dsn:
        read_until = min(until or now, now)
        found = run(lambda: _decided(settings, dsn, since, read_until, other, of_list))
    if report is not None:
        with whole_file(report) as file:
            for case in replay_report.cases(found):
                file.write(f"{json.dumps(case)}\n".encode())
    name = None if rules is None else rules.name
    if as_json:
        show_json(replay_report.as_json(found, name, of_list))
    else:
        show(replay_report.as_text(found, name, of_list))
    if found.unexplained:
        where = f"See {report}." if report else "Run again with --report FILE to see all of them."
        changes = number(found.compared.unexplained, "change")
        emails = number(found.mails.unexplained, "email")
        raise CommandError(
            f"Under the current rules, {changes} and {emails} differ from the stored ones, and no cause is "
            f"known. {where}"
        )


async def _decided(
    settings: Settings,
    dsn: str,
    since: datetime | None,
    until: datetime,
    other: OtherRules,
    of_list: str | None,
) -> Redecided:
    await ready(settings, dsn)
    return await redecide_stored(dsn, since, until, other, of_list, until, read_dsn(settings))


def _other(path: Path) -> OtherRules:
    content = file_content(path, _MOST_BYTES, "a file of rules")
    if len(content) > _MOST_BYTES:
        raise TableError(path.name, None, "the file is larger than 1 MB, so it is not a file of rules.")
    return read_other_rules(content, path.name)
