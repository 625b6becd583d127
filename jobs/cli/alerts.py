"""Commands about alerts: their rules, why a change did or did not alert, and trial messages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs.alerting.policy import AlertGroup
from jobs.alerting.rules_file import read_rules
from jobs.base.atomic_files import refuse_filled, refuse_taken, whole_file, whole_folder
from jobs.base.errors import CommandError
from jobs.base.output import OutputTable, show, show_json
from jobs.base.wording import minute, number
from jobs.cli import alerts_actions
from jobs.cli.alerts_actions import find_rule, find_thread
from jobs.cli.command import COMMAND_LINE, AsJson, ConfigFile, examples, renamed
from jobs.config.database import with_conn, with_pool
from jobs.config.demonstration import command_clock
from jobs.config.settings import Settings, load_settings
from jobs.delivery.sender import Sender, Undeliverable
from jobs.imports.alert_rules import RulesImport, import_rules
from jobs.notify import alert_explanation, alert_preview
from jobs.notify.alert_explanation import AlertExplanation, why_no_alert
from jobs.runtime.app import letterhead, senders, unknown_channels
from storage.alerts.history import alerts_of_change, alerts_of_wave, change_facts, histories
from storage.alerts.open_alerts import alerts_by_id
from storage.alerts.rules import absent_names, load_rules, remove_rule, save_rule
from storage.alerts.threads import newest_thread, sent_thread
from storage.changes.evidence_pack import changes_named, purged_at
from storage.model.alerts.alerts import AlertRow, AlertThread, MailDraft
from storage.model.alerts.rule_codec import to_table
from storage.model.alerts.rule_toml import to_toml
from storage.model.alerts.rule_words import absent_words, manner_words, match_words
from storage.model.alerts.rules import AbsentNames, AlertRule, StoredRule, is_channel, is_recipient
from storage.model.text.states import clean
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Pool, transaction

alerts = typer.Typer(no_args_is_help=True, epilog=examples("blockline alerts rules"))
RuleName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the rule (see `alerts rules`).")]

ChangeName = Annotated[
    str, typer.Argument(metavar="CHANGE", help="Number of the change on the account page, or its key.")
]


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    alerts_actions.register(alerts)
    cli.add_typer(alerts, name="alerts")


@alerts.command("rules", epilog=examples("blockline alerts rules"))
def rules_command(*, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List the rules in the order in which they are tried."""
    settings = load_settings(config)
    wanted = settings.alert_rules

    async def read(conn: Conn) -> tuple[list[StoredRule], AbsentNames]:
        stored = await load_rules(conn)
        return stored, await absent_names(conn, (*wanted, *(s.rule for s in stored)))

    known, absent = with_conn(settings, read)
    out = OutputTable(
        ("Rule", "Enabled", "From", "About", "Recipients", "How"),
        "There are no rules, so no alert is sent. Write rules (docs/how-to/alerts.md), then: "
        "blockline alerts import FILE",
    )
    for one in rules_shown(known, wanted):
        rule, origin = one.rule, "settings" if one.from_settings else "hand"
        enabled = ("yes" if one.enabled else "no") if one.is_stored else "at the next run"
        out.add(
            (
                clean(rule.name, 80),
                enabled,
                origin,
                match_words(rule.match),
                ", ".join(rule.recipients) or "nobody",
                "\n".join(manner_words(rule)),
            ),
            {**to_table(rule), "enabled": one.enabled, "origin": origin, "on_file": one.is_stored},
        )
    said = notes(known, wanted, absent)
    if as_json:
        show_json({"rules": out.objects, "notes": said})
        return
    out.show("rules", as_json=False)
    for note in said:
        show(f"Note: {note}")


@alerts.command(
    "export",
    cls=renamed(out="output"),
    epilog=examples("blockline alerts export --output rules.toml"),
)
def export_command(
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FILE", help="New file to write. Without it, the rules are printed."
        ),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Export all rules as TOML.

    `alerts import` reads the file, and the rules can be copied into blockline.toml.
    """
    settings = load_settings(config)
    if out is not None:
        refuse_taken(out)
    known = with_conn(settings, load_rules)
    text = to_toml((stored.rule, stored.enabled) for stored in known)
    if out is None:
        print(text, end="")
        return
    with whole_file(out) as file:
        file.write(text.encode())
    show(f"{out} contains {number(len(known), 'rule')}.")


@alerts.command("import", epilog=examples("blockline alerts import rules.toml"))
def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML file with [[rules]] tables.")],
    *,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Also remove rules that are not in the file, and use its order. Rules of the settings stay.",
        ),
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Import rules from a TOML file.

    Rules with a new name are added; the others are changed. If one rule is refused, nothing is stored.
    """
    settings = load_settings(config)
    parsed = read_rules(_content(file), file.name)

    async def stored(conn: Conn) -> RulesImport:
        return await import_rules(conn, parsed, file.name, COMMAND_LINE, command_clock(), replace=replace)

    done = with_conn(settings, stored)
    unknown = [] if done.problems else unknown_channels(settings, [row.rule for row in parsed.rows])
    if as_json:
        show_json(_as_json(file.name, done, unknown))
    elif not done.problems:
        _show_import(file.name, done, unknown)
    if done.problems:
        refused = (
            "1 rule was refused" if len(done.problems) == 1 else f"{len(done.problems)} rules were refused"
        )
        said = [str(problem) for problem in done.problems]
        raise CommandError(
            "\n".join([*said, f"{refused}, so nothing was stored. Correct the file and import it again."])
        )


@alerts.command("enable", epilog=examples("blockline alerts enable Desk"))
def enable_command(name: RuleName, *, config: ConfigFile = None) -> None:
    """Enable a rule.

    Decisions made while it was disabled do not change.
    """
    with_conn(load_settings(config), lambda conn: _set_enabled(conn, name, enabled=True))
    show(f"The rule {clean(name, 80)} is enabled.")


@alerts.command("disable", epilog=examples("blockline alerts disable Desk"))
def disable_command(name: RuleName, *, config: ConfigFile = None) -> None:
    """Disable a rule without removing it."""
    with_conn(load_settings(config), lambda conn: _set_enabled(conn, name, enabled=False))
    show(f"The rule {clean(name, 80)} is disabled and sends no alerts.")


@alerts.command("remove", epilog=examples("blockline alerts remove Desk"))
def remove_command(name: RuleName, *, config: ConfigFile = None) -> None:
    """Remove a rule.

    Its past decisions are kept.
    """
    now = command_clock()
    with_conn(load_settings(config), lambda conn: remove_rule(conn, name, COMMAND_LINE, now))
    show(f"The rule {clean(name, 80)} is removed. Its past decisions are kept.")


async def _set_enabled(conn: Conn, name: str, *, enabled: bool) -> None:
    stored = find_rule(name, await load_rules(conn))
    await save_rule(conn, stored.rule, COMMAND_LINE, command_clock(), enabled=enabled)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise CommandError(f"{file}: the file does not exist.") from None
    except (OSError, ValueError) as error:
        raise CommandError(
            f"{file}: the file cannot be read ({getattr(error, 'strerror', error)})."
        ) from error


def _show_import(file: str, done: RulesImport, unknown: Sequence[str]) -> None:
    for taken in done.taken:
        show(f"{file}, line {taken.line}: rule {clean(taken.name, 80)} {taken.did}.")
    for name in done.removed:
        show(f"Rule {clean(name, 80)} removed: it is not in {file}.")
    if done.reordered:
        show(f"The rules are tried in the order of {file} now.")
    for said in unknown:
        show(f"Note: {said}")


def _as_json(file: str, done: RulesImport, unknown: Sequence[str]) -> dict[str, object]:
    return {
        "file": file,
        "stored": not done.problems,
        "rules": [{"line": t.line, "name": t.name, "did": t.did} for t in done.taken],
        "refused": [{"line": problem.line, "why": str(problem)} for problem in done.problems],
        "removed": list(done.removed),
        "reordered": done.reordered,
        "notes": list(unknown),
    }


@alerts.command("explain", epilog=examples("blockline alerts explain 1204"))
def explain_command(change: ChangeName, *, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Explain why a change did or did not alert.

    The output names each rule that matched, its decision, the time, and the recipients.
    """

    async def read(conn: Conn) -> tuple[int, list[AlertExplanation], str]:
        change_id = await find_change(conn, change)
        rules = await load_rules(conn)
        found = await histories(conn, await alerts_of_change(conn, change_id))
        return (
            change_id,
            [alert_explanation.explain(h, rules) for h in found],
            why_no_alert(await change_facts(conn, change_id)),
        )

    change_id, found, why = with_conn(load_settings(config), read)
    if as_json:
        none = None if found else why
        show_json(
            {
                "change": change_id,
                "alerts": [alert_explanation.as_json(one) for one in found],
                "no_alert": none,
            }
        )
        return
    show(f"Change {change_id}. Decisions are shown as recorded; matches are computed with the current rules.")
    for sentence in [s for one in found for s in alert_explanation.sentences(one)] or [why]:
        show(sentence)


@dataclass(frozen=True, slots=True)
class _Made:
    wave: AlertGroup
    draft: MailDraft


@alerts.command(
    "test",
    cls=renamed(out="output"),
    epilog=examples(
        "blockline alerts test --last", "blockline alerts test --change 1204 --to desk@example.org --send"
    ),
)
def trial_command(
    *,
    change: Annotated[
        str | None,
        typer.Option(metavar="CHANGE", help="A change: its number on the account page, or its key."),
    ] = None,
    story: Annotated[
        str | None,
        typer.Option(metavar="INCIDENT", help="The newest changes of an incident (see `alerts stories`)."),
    ] = None,
    last: Annotated[bool, typer.Option("--last", help="The changes that were reported last.")] = False,
    rule: Annotated[
        str | None, typer.Option(metavar="RULE", help="Use only this rule, whether it is enabled or not.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="RECIPIENT", help="An email address, apprise:NAME, webhook:NAME or pagerduty:NAME."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FOLDER", help="New folder for .eml, .html, .txt, .png and .json files."
        ),
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Send the message to --to, marked as a test.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Show the message that a past change would cause now.

    The current rules decide. Without --output and --send the text is printed. No alert and no email is
    stored; a test that is sent is recorded in the audit log. Mutes, unreachable platforms, quiet hours and
    waiting times are ignored.
    """
    if (change is not None) + (story is not None) + last != 1:
        raise typer.BadParameter("Give one of --change, --story and --last.")
    if send and to is None:
        raise typer.BadParameter(
            "--send needs --to: an address, apprise:NAME, webhook:NAME or pagerduty:NAME."
        )
    settings = load_settings(config)
    if to is not None:
        _refuse_nobody(settings, to)
    sender = _sender(settings, to) if send else None
    if out is not None:
        refuse_filled(out)
    now = command_clock()

    async def read(conn: Conn) -> list[_Made]:
        alerts, earlier = await _asked(conn, change, story)
        rules = await _rules(conn, rule)
        waves = alert_preview.waves_on_trial(alerts, rules, earlier, to)
        if not waves:
            raise CommandError(
                "\n".join(
                    ["No one would be notified. The reasons:", *alert_preview.why_nobody(alerts[-1], rules)]
                )
            )
        head = letterhead(settings)
        return [_Made(w, await alert_preview.draft(conn, w, to or w.recipients[0], head, now)) for w in waves]

    made = with_conn(settings, read)
    files = [] if out is None else _write(out, made, settings, now)
    if sender is not None:
        with_pool(settings, lambda pool: _send(pool, sender, made, now))
    _show_trial(made, files, out, is_sent=send, json=as_json)


async def _asked(
    conn: Conn, change: str | None, story: str | None
) -> tuple[list[AlertRow], AlertThread | None]:
    """Return the alerts to show again, and what was sent before about their incident."""
    if change is not None:
        change_id = await find_change(conn, change)
        alerts = await alerts_by_id(conn, await alerts_of_change(conn, change_id))
        if not alerts:
            reason = why_no_alert(await change_facts(conn, change_id))
            raise CommandError(f"Change {change_id} has no alert. {reason}")
        return [alert_preview.newest(alerts)], None
    key = await newest_thread(conn) if story is None else await find_thread(conn, story)
    if key is None:
        raise CommandError("No incident was reported yet. Give a change with --change.")
    wave, ids = await alerts_of_wave(conn, key)
    if not ids:
        raise CommandError(f"No email of the incident {key[:12]} is stored. Give a change with --change.")
    return await alerts_by_id(conn, ids), await sent_thread(conn, key, wave - 1)


async def _rules(conn: Conn, name: str | None) -> Sequence[StoredRule]:
    known = await load_rules(conn)
    return known if name is None else [alert_preview.enabled(find_rule(name, known))]


def _refuse_nobody(settings: Settings, to: str) -> None:
    if not is_recipient(to):
        raise CommandError(
            f"--to: {clean(to)!r} is neither an email address such as desk@example.org nor a channel "
            "such as apprise:newsroom, webhook:desk or pagerduty:duty."
        )
    known = settings.every_channel().recipients
    if is_channel(to) and to not in known:
        raise CommandError(
            f"--to: the channel {to} is in none of the settings channels, webhooks and pagerduty."
        )


def _sender(settings: Settings, to: str | None) -> Sender:
    found = senders(settings)
    if found is None or (to is not None and not is_channel(to) and settings.smtp_host is None):
        raise CommandError("--send: setting smtp_host is missing, so no email can be sent.")
    return found


def _write(out: Path, made: Sequence[_Made], settings: Settings, now: datetime) -> list[str]:
    names: list[str] = []
    with whole_folder(out) as folder:
        for n, one in enumerate(made, 1):
            for file in alert_preview.files(one.draft, n, one.wave.rule.name, settings.mail_from, now):
                (folder / file.name).write_bytes(file.content)
                names.append(file.name)
    return names


async def _send(pool: Pool, sender: Sender, made: Sequence[_Made], now: datetime) -> None:
    try:
        for one in made:
            await sender.send(alert_preview.mail(one.draft, now))
            changes = [alert.change.change_key for alert in one.wave.alerts]
            detail = {"to": one.draft.recipient, "changes": len(changes), "first": changes[0]}
            async with transaction(pool) as conn:
                await log(conn, now, COMMAND_LINE, "test sent", f"rule {one.wave.rule.name}", detail)
    except Undeliverable as error:
        raise CommandError(f"The test was not sent. {error}") from error
    finally:
        await sender.close()


def _show_trial(
    made: Sequence[_Made], files: Sequence[str], out: Path | None, *, is_sent: bool, json: bool
) -> None:
    if json:
        mails = [
            {
                "rule": one.wave.rule.name,
                "to": one.draft.recipient,
                "subject": one.draft.subject,
                "changes": len(one.wave.alerts),
                "text": one.draft.text_body,
                "note": alert_preview.note(one.wave),
            }
            for one in made
        ]
        show_json({"mails": mails, "files": list(files), "sent": is_sent})
        return
    for one in made:
        if out is None and not is_sent:
            show(f"To: {one.draft.recipient}\nSubject: {one.draft.subject}\n\n{one.draft.text_body}")
        if is_sent:
            show(f"Sent to {one.draft.recipient}: {one.draft.subject}")
        if (said := alert_preview.note(one.wave)) is not None:
            show(said)
    if out is not None:
        mails = number(len(made), "email")
        show(f"{out} contains {mails} in {number(len(files), 'file')}: {', '.join(files)}.")


async def find_change(conn: Conn, name: str) -> int:
    """Return the number of a change, given by its number, its key or the start of it. Raises CommandError."""
    found = await changes_named(conn, name)
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(map(str, found))
        raise CommandError(
            f"{clean(name)} matches more than one change: {numbers}. Give more of the key, or a number."
        )
    if name.isdecimal() and len(name) < 19 and (at := await purged_at(conn, int(name))) is not None:
        raise CommandError(f"Change {name} was purged on {minute(at)}. Only hashes of it are left.")
    raise CommandError(f"There is no change with the number or the key {clean(name)}.")


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A rule in the output of `alerts rules`."""

    rule: AlertRule
    enabled: bool
    from_settings: bool
    is_stored: bool
    """False means that it is in the settings only, and sends nothing before the next run."""


def rules_shown(stored: Sequence[StoredRule], settings: Iterable[AlertRule]) -> list[ListedRule]:
    """Return the rules in the order in which they are tried, with the place that new ones will have."""
    there = {s.rule.name for s in stored}
    new = [
        ListedRule(rule, enabled=True, from_settings=True, is_stored=False)
        for rule in settings
        if rule.name not in there
    ]
    known = [ListedRule(s.rule, s.enabled, s.from_settings, is_stored=True) for s in stored]
    return [*(k for k in known if k.from_settings), *new, *(k for k in known if not k.from_settings)]


def notes(stored: Sequence[StoredRule], settings: Sequence[AlertRule], absent: AbsentNames) -> list[str]:
    """Return notes on the list: what the next run changes, and names in rules that do not exist."""
    wanted = {rule.name: rule for rule in settings}
    kept = {s.rule.name: s for s in stored if s.from_settings}
    by_hand = {s.rule.name for s in stored if not s.from_settings}
    shown = rules_shown(stored, settings)
    return [
        *(
            f"Rule {one.rule.name!r} is new in the settings. It takes effect at the next `blockline run`."
            for one in shown
            if not one.is_stored
        ),
        *(
            f"Rule {name!r} was changed in the settings. The change takes effect at the next `blockline run`."
            for name, s in kept.items()
            if name in wanted and wanted[name] != s.rule
        ),
        *(
            f"Rule {name!r} is no longer in the settings. The next `blockline run` removes it."
            for name in kept
            if name not in wanted
        ),
        *(
            f"Rule {name!r} exists in the settings and was also added by hand. Remove or rename one."
            for name in wanted
            if name in by_hand
        ),
        *(
            f"Rule {one.rule.name!r}: {said}."
            for one in shown
            for said in absent_words(one.rule.match, absent)
        ),
    ]
