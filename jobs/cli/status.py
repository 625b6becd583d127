"""Commands that say how things stand: status, check, doctor."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.base.findings import Finding, FindingLevel
from jobs.base.output import show, show_json
from jobs.cli.command import AsJson, AsKnownAt, AtMoment, ConfigFile, moments_past, run, with_conn
from jobs.collect import one_shot_check
from jobs.collect.collector_factory import collector_of
from jobs.config.database import database, ready
from jobs.config.settings import load_settings
from jobs.doctor import doctor
from jobs.doctor.alert_rules import rule_findings
from jobs.doctor.database_checks import watch_findings
from jobs.doctor.future_readings import set_aside_readings
from jobs.doctor.mail_templates import template_findings
from jobs.doctor.platforms import platform_findings
from jobs.doctor.spell_rebuild import rebuild_spells
from jobs.status import at_time, report
from storage.health.status import Overview, overview
from storage.health.status_at import status_at
from storage.postgres.pool import StorageError, open_pool, transaction


def register(cli: typer.Typer) -> None:
    cli.command("status")(status_command)
    cli.command("check")(check_command)
    cli.command("doctor")(doctor_command)


def status_command(
    *,
    at: AtMoment = None,
    as_known_at: AsKnownAt = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """What is blocked now, how well it is watched, and what waits; or how it stood at another moment."""
    if at is not None or as_known_at is not None:
        tell_then(at, as_known_at, config, as_json=as_json)
        return
    settings = load_settings(config)

    async def counted(dsn: str) -> Overview:
        await ready(settings, dsn)
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            return await overview(conn, system_clock(), settings.sweep_every)

    with database(settings) as dsn:
        stand = run(lambda: counted(dsn))
    if as_json:
        show_json(report.as_json(stand))
    else:
        show(report.as_text(stand))


def tell_then(at: str | None, as_known_at: str | None, config: Path | None, *, as_json: bool) -> None:
    """Print how everything stood at a moment, as known at another."""
    when, known_at = moments_past(at, as_known_at, system_clock())
    settings = load_settings(config)
    stand = with_conn(settings, lambda conn: status_at(conn, when, known_at, settings.sweep_every), known_at)
    if as_json:
        show_json(at_time.as_json(stand))
    else:
        show(at_time.as_text(stand))


def check_command(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="HANDLE-OR-URL",
            help="Handles, with their platform before them (x, bluesky or mastodon); or addresses of "
            "profiles, DIDs, name@host, or ids of X as id:12345, which tell it themselves.",
        ),
    ],
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Look at accounts once, without a database: check x NASA, or check https://bsky.app/profile/NAME.

    Exit code 0 when every look was conclusive.
    """
    try:
        asked = one_shot_check.questions(words)
    except one_shot_check.UnclearError as error:
        raise typer.BadParameter(str(error)) from error
    settings = load_settings(config)
    collectors = {p: collector_of(settings, p) for p in dict.fromkeys(q.platform for q in asked)}

    async def looked() -> list[one_shot_check.AccountCheck]:
        looks: dict[one_shot_check.AccountQuery, one_shot_check.AccountCheck] = {}
        for platform, collector in collectors.items():
            questions = [q for q in asked if q.platform is platform]
            async with collector:
                said = await one_shot_check.check_accounts(collector, questions, system_clock())
            looks |= zip(questions, said, strict=True)
        return [looks[q] for q in asked]

    looks = run(looked)
    if as_json:
        show_json(one_shot_check.as_json(looks))
    else:
        for sentence in (s for one in looks for s in one_shot_check.sentences(one)):
            show(sentence)
    failures = [one_shot_check.failure(one) for one in looks if not one.is_conclusive]
    if failures:
        raise CommandError("\n".join(failures))


def doctor_command(
    *,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild",
            help="Instead: tell the periods of all accounts anew from the recorded changes, compare them "
            "with those that are stored, and replace what differs.",
        ),
    ] = False,
    set_aside: Annotated[
        bool,
        typer.Option(
            "--set-aside",
            help="Instead: set aside the readings that are dated later than this clock, which must be right, "
            "and correct the changes that rested on them.",
        ),
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Try every part of the installation, and say what to do. Exit code 1 when something must be mended."""
    settings = load_settings(config)
    if rebuild and set_aside:
        raise CommandError("--rebuild and --set-aside: give one of them.")
    if rebuild:
        with database(settings) as dsn:
            told = run(lambda: rebuild_spells(settings, dsn))
        if as_json:
            show_json(told.as_json())
        else:
            show(told.sentence)
        return
    if set_aside:
        with database(settings) as dsn:
            done = run(lambda: set_aside_readings(settings, dsn, system_clock))
        if as_json:
            show_json(done.as_json())
        else:
            show(done.sentence)
        return
    findings: list[Finding] = []
    try:
        with database(settings) as dsn:
            own = settings.database_url is None
            findings += run(lambda: doctor.database_findings(dsn, system_clock, own=own))
            if not any(f.verdict is FindingLevel.MEND for f in findings):
                findings += run(lambda: watch_findings(settings, dsn, system_clock))
                findings += run(lambda: rule_findings(settings, dsn))
    except StorageError as error:
        findings.append(doctor.no_database(error))

    async def tried() -> list[Finding]:
        return [
            doctor.data_folder(settings),
            *await platform_findings(settings, system_clock),
            *await doctor.mail_findings(settings),
            *template_findings(settings),
            await doctor.dashboard_finding(settings),
        ]

    findings += run(tried)
    to_mend = list(dict.fromkeys(f.part for f in findings if f.verdict is FindingLevel.MEND))
    if as_json:
        checks = [{"part": f.part, "verdict": f.verdict.value, "said": f.said} for f in findings]
        show_json({"ok": not to_mend, "checks": checks})
    else:
        for finding in findings:
            show(f"{finding.verdict.value:<7} {finding.part:<25} {finding.said}")
    if to_mend:
        raise CommandError(f"To mend: {', '.join(to_mend)}.")
