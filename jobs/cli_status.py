"""Commands that say how things stand: status, check, doctor."""

from typing import Annotated

import typer

from jobs import check, doctor, status_report
from jobs.app import x_collector
from jobs.cli_output import show, show_json
from jobs.clock import system_clock
from jobs.command import CommandError, run
from jobs.database import database, ready
from jobs.options import AsJson, ConfigFile
from jobs.settings import SettingsError, load_settings
from storage.db import StorageError, open_pool, transaction
from storage.model.accounts import Platform
from storage.status import Overview, overview


def register(cli: typer.Typer) -> None:
    cli.command("status")(status_command)
    cli.command("check")(check_command)
    cli.command("doctor")(doctor_command)


def status_command(*, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """What is blocked now, how well it is watched, and what waits."""
    settings = load_settings(config)

    async def counted(dsn: str) -> Overview:
        await ready(settings, dsn)
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            return await overview(conn, system_clock(), settings.sweep_every)

    with database(settings) as dsn:
        stand = run(lambda: counted(dsn))
    if as_json:
        show_json(status_report.as_json(stand))
    else:
        show(status_report.as_text(stand))


def check_command(
    platform: Annotated[Platform, typer.Argument(help="This version reads x only.")],
    handles: Annotated[list[str], typer.Argument(help="Handles, or numeric ids as id:12345.")],
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Look at accounts once, without a database. Exit code 0 when every look was conclusive."""
    if platform is not Platform.X:
        raise CommandError(f"This version reads X only, not {platform.value}.")
    settings = load_settings(config)
    if settings.x_bearer_token is None:
        raise SettingsError(
            "Setting x_bearer_token is missing: put an app's bearer token of X into blockline.toml or into "
            "BLOCKLINE_X_BEARER_TOKEN."
        )
    collector = x_collector(settings)

    async def looked() -> list[check.Look]:
        async with collector:
            return await check.look(collector, handles, system_clock())

    looks = run(looked)
    if as_json:
        show_json(check.as_json(looks))
    else:
        for sentence in (s for one in looks for s in check.sentences(one)):
            show(sentence)
    failures = [check.failure(one) for one in looks if not one.is_conclusive]
    if failures:
        raise CommandError("\n".join(failures))


def doctor_command(*, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Try every part of the installation, and say what to do. Exit code 1 when something must be mended."""
    settings = load_settings(config)
    findings: list[doctor.Finding] = []
    try:
        with database(settings) as dsn:
            own = settings.database_url is None
            findings += run(lambda: doctor.database_findings(dsn, system_clock, own=own))
    except StorageError as error:
        findings.append(doctor.no_database(error))

    async def tried() -> list[doctor.Finding]:
        return [
            doctor.data_folder(settings),
            *await doctor.platform_findings(settings, system_clock),
            *await doctor.mail_findings(settings),
            await doctor.dashboard_finding(settings),
        ]

    findings += run(tried)
    to_mend = [f.part for f in findings if f.verdict is doctor.Verdict.MEND]
    if as_json:
        checks = [{"part": f.part, "verdict": f.verdict.value, "said": f.said} for f in findings]
        show_json({"ok": not to_mend, "checks": checks})
    else:
        for finding in findings:
            show(f"{finding.verdict.value:<7} {finding.part:<17} {finding.said}")
    if to_mend:
        raise CommandError(f"To mend: {', '.join(to_mend)}.")
