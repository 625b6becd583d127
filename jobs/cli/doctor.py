"""The command `doctor`: checks of every part of the installation."""

from typing import Annotated

import typer

from collectors.core.findings import LEVEL_WORDS, Finding, FindingLevel
from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.base.event_loop import run
from jobs.base.output import show, show_json
from jobs.cli.command import AsJson, ConfigFile, examples
from jobs.config.database import database
from jobs.config.settings import load_settings
from jobs.doctor import doctor
from jobs.doctor.alert_rules import rule_findings
from jobs.doctor.database_checks import watch_findings
from jobs.doctor.future_readings import set_aside_readings
from jobs.doctor.mail_templates import template_findings
from jobs.doctor.platforms import platform_findings
from jobs.doctor.spell_rebuild import rebuild_spells
from storage.postgres.errors import StorageError


def register(cli: typer.Typer) -> None:
    """Add this command to the command line."""
    cli.command("doctor", epilog=examples("blockline doctor"))(doctor_command)


def doctor_command(
    *,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild",
            help="Only rebuild the status periods of all accounts from the changes, and replace those that "
            "differ.",
        ),
    ] = False,
    set_aside: Annotated[
        bool,
        typer.Option(
            "--set-aside",
            help="Only set aside readings dated later than this clock, and correct changes based on them. "
            "The clock must be right.",
        ),
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """The exit code is 1 if something must be fixed."""
    settings = load_settings(config)
    if rebuild and set_aside:
        raise CommandError("Give either --rebuild or --set-aside, not both.")
    if rebuild:
        with database(settings) as dsn:
            result = run(lambda: rebuild_spells(settings, dsn))
        if as_json:
            show_json(result.as_json())
        else:
            show(result.sentence)
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
            doctor.secrets_finding(settings),
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
            show(f"{LEVEL_WORDS[finding.verdict]:<7} {finding.part:<25} {finding.said}")
    if to_mend:
        raise CommandError(f"To fix: {', '.join(to_mend)}.")
