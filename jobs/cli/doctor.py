"""The command `doctor`: checks of every part of the installation."""

from typing import Annotated

import typer

from collectors.core.findings import LEVEL_WORDS, Finding, FindingLevel
from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.base.event_loop import run
from jobs.base.output import show, show_json
from jobs.cli.command import COMMAND_LINE, AsJson, ConfigFile, examples
from jobs.config.database import database, refuse_unmarked
from jobs.config.demonstration import command_clock
from jobs.config.settings import Settings, load_settings
from jobs.doctor import doctor
from jobs.doctor.alert_rules import rule_findings
from jobs.doctor.database_checks import watch_findings
from jobs.doctor.future_readings import set_aside_readings
from jobs.doctor.mail_templates import template_findings
from jobs.doctor.platforms import platform_findings
from jobs.doctor.spell_rebuild import rebuild_spells
from jobs.runtime.app import mail_test
from storage.model.alerts.rules import is_channel, is_recipient
from storage.model.text.states import clean
from storage.postgres.errors import StorageError
from storage.postgres.schema import newest, schema_of


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
    email: Annotated[
        str | None,
        typer.Option(
            "--email", metavar="ADDRESS", help="Only send a test email, and show what the server answers."
        ),
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """The exit code is 1 if something must be fixed."""
    settings = load_settings(config)
    if rebuild + set_aside + (email is not None) > 1:
        raise CommandError("Give one of --rebuild, --set-aside and --email.")
    if email is not None:
        _test_email(settings, email, as_json=as_json)
        return
    if rebuild or set_aside:
        _mend(settings, rebuild=rebuild, as_json=as_json)
        return
    findings: list[Finding] = []
    try:
        with database(settings) as dsn:
            own = settings.database_url is None
            findings += run(lambda: doctor.database_findings(dsn, system_clock, own=own))
            is_fit = not any(f.verdict is FindingLevel.MEND for f in findings)
            if (
                is_fit and run(lambda: schema_of(dsn)) == newest()
            ):  # a new embedded database has no tables yet
                run(lambda: refuse_unmarked(dsn))
                findings += run(lambda: watch_findings(settings, dsn, command_clock))
                findings += run(lambda: rule_findings(settings, dsn))
                findings += run(lambda: doctor.replica_findings(settings, dsn))
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
            show(f"{LEVEL_WORDS[finding.verdict]:<10} {finding.part:<25} {finding.said}")
    if to_mend:
        raise CommandError(f"To fix: {', '.join(to_mend)}.")


def _mend(settings: Settings, *, rebuild: bool, as_json: bool) -> None:
    """Rebuild the status periods, or else set future readings aside."""
    with database(settings) as dsn:
        if rebuild:
            done = run(lambda: rebuild_spells(settings, dsn))
        else:
            done = run(lambda: set_aside_readings(settings, dsn, command_clock))
    if as_json:
        show_json(done.as_json())
    else:
        show(done.sentence)


def _test_email(settings: Settings, to: str, *, as_json: bool) -> None:
    """Send a test email. Raises CommandError with the refusal of the server, or with what is missing."""
    if not is_recipient(to) or is_channel(to):
        raise CommandError(f"--email: {clean(to)!r} is not an email address such as desk@example.org.")
    tested = mail_test(settings)
    if isinstance(tested, str):
        raise CommandError(tested)
    server, send = tested.server, tested.send
    refusal = run(lambda: send(to, COMMAND_LINE, system_clock()))
    if refusal is not None:
        raise CommandError(refusal)
    if as_json:
        show_json({"sent": True, "server": server, "to": to})
    else:
        show(f"{server} accepted a test email to {to}.")
