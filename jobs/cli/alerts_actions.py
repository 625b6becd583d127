"""Commands for people who receive alerts: acknowledge, mute, send again, try a rule, and the audit log."""

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from jobs.alerting.rules_file import read_rules
from jobs.base.errors import CommandError
from jobs.base.input_files import file_content
from jobs.base.output import OutputTable, moment, show, show_json
from jobs.base.wording import account_name, minute, number
from jobs.cli.command import COMMAND_LINE, AsJson, ConfigFile, examples, moment_of, renamed
from jobs.config.database import with_conn
from jobs.config.demonstration import command_clock
from jobs.config.settings import load_settings
from jobs.imports.account_lookup import find_account
from jobs.replay.load_rule_preview import load_rule_preview
from storage.alerts import mutes
from storage.alerts.mail_queue import resend
from storage.alerts.mutes import MuteLine, mute_lines
from storage.alerts.rules import load_rules, move_rule
from storage.alerts.threads import (
    Acknowledged,
    ThreadLine,
    acknowledge,
    stories_named,
    thread_lines,
    undo_acknowledgement,
)
from storage.model.alerts.rule_preview import (
    LONGEST_PREVIEW,
    PREVIEW_LIMITS,
    PREVIEW_PERIOD,
    RulePreview,
    preview_words,
)
from storage.model.alerts.rules import AlertRule, StoredRule
from storage.model.text.near_names import meant, unknown_name
from storage.model.text.states import clean
from storage.model.text.units import parse_duration
from storage.postgres import audit_log
from storage.postgres.pool import Conn

Note = Annotated[str, typer.Option(metavar="TEXT", help="A reason, for colleagues.")]
Limit = Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="Number of lines, newest first.")]
LONGEST_NUMBER = 18
"""Most digits of a number that the database can store."""
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="End (ISO 8601, UTC).")]


_MOST_BYTES = 1_000_000


class MovedTo(StrEnum):
    """Where a rule goes."""

    UP = "up"
    DOWN = "down"


def register(alerts: typer.Typer) -> None:
    """Add these commands to `blockline alerts`."""
    alerts.command("stories", epilog=examples("blockline alerts stories --limit 50"))(stories_command)
    alerts.command("ack", epilog=examples('blockline alerts ack 3f2a --note "calling the lawyer"'))(
        ack_command
    )
    alerts.command("unack", epilog=examples("blockline alerts unack 3f2a"))(unack_command)
    alerts.command("mute", epilog=examples("blockline alerts mute --list Desk --for 6h"))(mute_command)
    alerts.command(
        "maintenance",
        cls=renamed(**{"from": "since"}),
        epilog=examples("blockline alerts maintenance --until 2031-02-05T20:00Z"),
    )(maintenance_command)
    alerts.command("mutes", epilog=examples("blockline alerts mutes"))(mutes_command)
    alerts.command("unmute", epilog=examples("blockline alerts unmute 3"))(unmute_command)
    alerts.command("resend", epilog=examples("blockline alerts resend 17"))(resend_command)
    alerts.command(
        "preview",
        epilog=examples("blockline alerts preview Desk", "blockline alerts preview Desk --file rules.toml"),
    )(preview_command)
    alerts.command("move", epilog=examples("blockline alerts move Desk up"))(move_command)
    alerts.command("log", epilog=examples("blockline alerts log --limit 100"))(log_command)


def stories_command(*, limit: Limit = 20, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List reported incidents, and who acknowledged them."""
    lines = with_conn(load_settings(config), lambda conn: thread_lines(conn, limit))
    out = OutputTable(
        ("Incident", "Last reported", "Updates", "Digests", "Rule", "About", "Acknowledged"),
        "No incident was reported yet.",
    )
    for line in lines:
        out.add(
            (
                line.story_key[:12],
                moment(line.told_at),
                f"{line.waves:,}",
                f"{line.round_ups:,}",
                clean(line.rule, 80),
                clean(line.subject or line.order_reference or line.list_name or "on no list", 100),
                _acknowledged(line),
            ),
            {
                "story": line.story_key,
                "rule": line.rule,
                "list": line.list_name,
                "order": line.order_reference,
                "recipients": list(line.recipients),
                "waves": line.waves,
                "round_ups": line.round_ups,
                "told_at": line.told_at.isoformat(),
                "subject": line.subject,
                "acknowledged": line.is_acknowledged,
                "acknowledged_wave": line.acknowledged_wave or None,
                "acknowledged_at": line.acknowledged_at and line.acknowledged_at.isoformat(),
                "acknowledged_by": line.acknowledged_by,
                "note": line.acknowledged_note,
            },
        )
    out.show("stories", as_json=as_json)


def ack_command(
    story: Annotated[
        str, typer.Argument(metavar="INCIDENT", help="Its key or the start of it (see `alerts stories`).")
    ],
    *,
    note: Note = "",
    config: ConfigFile = None,
) -> None:
    """Acknowledge an incident.

    Its reminders and escalation end until new changes are reported.
    """

    async def acknowledged(conn: Conn) -> Acknowledged:
        key = await find_thread(conn, story)
        return await acknowledge(conn, key, COMMAND_LINE, _text(note), command_clock())

    done = with_conn(load_settings(config), acknowledged)
    if done.first:
        show(f"Acknowledged: {done.subject}")
    else:
        said = f" ({clean(done.note, 200)})" if done.note else ""
        show(f"Already acknowledged by {clean(done.by)} on {minute(done.at)}{said}: {done.subject}")


def unack_command(
    story: Annotated[
        str, typer.Argument(metavar="INCIDENT", help="Its key or the start of it (see `alerts stories`).")
    ],
    *,
    config: ConfigFile = None,
) -> None:
    """Undo the acknowledgement of an incident.

    Its reminders and escalation go on as if nobody had acknowledged it.
    """

    async def undone(conn: Conn) -> str:
        key = await find_thread(conn, story)
        await undo_acknowledgement(conn, key, COMMAND_LINE, command_clock())
        return key

    key = with_conn(load_settings(config), undone)
    show(f"{key[:12]} waits for somebody again. Its reminders and escalation go on.")


def mute_command(
    *,
    account: Annotated[
        str | None,
        typer.Option(metavar="ACCOUNT", help='An account: "x HANDLE", or the address of a profile.'),
    ] = None,
    list_name: Annotated[
        str | None, typer.Option("--list", metavar="LIST", help="A list, or the reference of an order.")
    ] = None,
    until: Until = None,
    span: Annotated[
        str | None, typer.Option("--for", metavar="SPAN", help="Duration such as 90m, 6h or 2d.")
    ] = None,
    note: Note = "",
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Mute alerts about an account or a list for a time.

    Changes are still recorded and shown.
    """
    if (account is None) == (list_name is None):
        raise typer.BadParameter("Give either --account or --list.")
    if (until is None) == (span is None):
        raise typer.BadParameter("Give either --until or --for.")
    now = command_clock()
    end = _end(until, span, now)

    async def muted(conn: Conn) -> int:
        if account is None:
            return await mutes.mute_list(conn, list_name or "", now, end, _text(note), COMMAND_LINE, now)
        found = await find_account(conn, account)
        return await mutes.mute_account(conn, found.account_id, now, end, _text(note), COMMAND_LINE, now)

    _made(config, muted, now, as_json=as_json)


def maintenance_command(
    *,
    begin: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Start (ISO 8601, UTC). Default: now.")
    ] = None,
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="End (ISO 8601, UTC).")],
    note: Note = "",
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Schedule a maintenance window, in which no alert is sent.

    Changes are still recorded and shown.
    """
    now = command_clock()
    since, end = moment_of(begin, "--since") or now, _end(until, None, now)

    async def planned(conn: Conn) -> int:
        return await mutes.maintenance(conn, since, end, _text(note), COMMAND_LINE, now)

    _made(config, planned, now, as_json=as_json)


def mutes_command(*, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List current and future mutes and maintenance windows."""
    lines = with_conn(load_settings(config), lambda conn: mute_lines(conn, command_clock()))
    out = OutputTable(("Mute", "Of", "From", "Until", "By", "Note"), "Nothing is muted.")
    for line in lines:
        row = (moment(line.since), moment(line.until) or "ended by hand", clean(line.made_by))
        out.add(
            (str(line.mute_id), _about(line), *row, clean(line.note, 200) if line.note else ""), _json(line)
        )
    out.show("mutes", as_json=as_json)


def unmute_command(
    mute: Annotated[str, typer.Argument(metavar="N", help="Number of the mute (see `alerts mutes`).")],
    *,
    config: ConfigFile = None,
) -> None:
    """End a mute or a maintenance window early."""
    number_of = _number(mute, "mute", "`blockline alerts mutes` lists them")
    now = command_clock()
    with_conn(load_settings(config), lambda conn: mutes.end_mute(conn, number_of, COMMAND_LINE, now))
    show(f"Mute {number_of} has ended. New changes are reported again.")


def resend_command(
    mail: Annotated[
        str, typer.Argument(metavar="N", help="Number of the email, as in the address of its page.")
    ],
    *,
    config: ConfigFile = None,
) -> None:
    """Send an email again.

    The email was sent before, or failed permanently. It keeps its Message-ID.
    """
    number_of = _number(mail, "mail", "it is in the address of its page")
    now = command_clock()
    subject = with_conn(load_settings(config), lambda conn: resend(conn, number_of, COMMAND_LINE, now))
    show(f"Email {number_of} is queued and is sent when the notifier runs: {subject}")


def log_command(*, limit: Limit = 50, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List entries of the audit log about alerts.

    Entries are changes of rules, acknowledgements, mutes and emails sent again.
    """
    acts = with_conn(load_settings(config), lambda conn: audit_log.acts(conn, limit))
    out = OutputTable(("Time", "Actor", "Action", "Subject"), "The audit log has no entries yet.")
    for act in acts:
        out.add(
            (moment(act.at), clean(act.actor), act.action, clean(act.subject, 100)),
            {
                "entry": act.audit_id,
                "at": act.at.isoformat(),
                "actor": act.actor,
                "action": act.action,
                "subject": act.subject,
                "detail": dict(act.detail),
            },
        )
    out.show("log", as_json=as_json)


def _made(
    config: ConfigFile,
    make: Callable[[Conn], Coroutine[object, object, int]],
    now: datetime,
    *,
    as_json: bool,
) -> None:
    """Create a mute, and print it."""

    async def made(conn: Conn) -> MuteLine:
        mute_id = await make(conn)
        return next(line for line in await mute_lines(conn, now) if line.mute_id == mute_id)

    line = with_conn(load_settings(config), made)
    if as_json:
        show_json(_json(line))
    else:
        begins = "from now" if line.since <= now else f"from {minute(line.since)}"
        ends = "" if line.until is None else f" until {minute(line.until)}"
        show(f"Mute {line.mute_id}: no alerts about {_about(line)} {begins}{ends}.")


def _end(until: str | None, span: str | None, now: datetime) -> datetime:
    if span is not None:
        try:
            return now + parse_duration(span)
        except ValueError as error:
            raise CommandError(f"--for: {error}") from error
    end = moment_of(until, "--until")
    if end is None or end <= now:
        raise CommandError(f"--until: {until} is in the past; give a future time in UTC.")
    return end


def _text(note: str) -> str:
    if "\0" in note or len(note) > 1000:
        raise CommandError("--note: use at most 1,000 characters and no null character.")
    return note


def _number(text: str, what: str, found: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise typer.BadParameter(f"{clean(text)!r} is not the number of a {what}: {found}.")
    if len(text) > LONGEST_NUMBER or not int(text):
        raise CommandError(f"There is no {what} {text}.")
    return int(text)


def _acknowledged(line: ThreadLine) -> str:
    if line.acknowledged_by is None:
        return "no"
    who = f"{clean(line.acknowledged_by)}, {moment(line.acknowledged_at)}"
    if line.is_acknowledged:
        return who
    behind = line.waves - line.acknowledged_wave
    return f"{who}; {number(behind, 'newer update')} not acknowledged"


def _about(line: MuteLine) -> str:
    if line.platform is not None:
        return account_name(line.platform, line.handle or "")
    return "everything" if line.list_name is None else f"list {clean(line.list_name)}"


def _json(line: MuteLine) -> dict[str, object]:
    return {
        "mute": line.mute_id,
        "account": line.account_id,
        "platform": line.platform and line.platform.value,
        "handle": line.handle,
        "list": line.list_name,
        "since": line.since.isoformat(),
        "until": line.until and line.until.isoformat(),
        "note": line.note,
        "by": line.made_by,
        "made_at": line.made_at.isoformat(),
    }


async def find_thread(conn: Conn, name: str) -> str:
    """Return the key of an incident, given by its key or the start of it. Raises CommandError."""
    found = await stories_named(conn, name) if name else []
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandError(f"{clean(name)} matches more than one incident. Give more of its key.")
    raise CommandError(f"There is no incident {clean(name)}; `blockline incidents list` lists them.")


def preview_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the rule (see `alerts rules`).")],
    *,
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Take the rule from this TOML file. It need not be imported."),
    ] = None,
    days: Annotated[
        int, typer.Option(metavar="N", min=1, max=LONGEST_PREVIEW.days, help="Days up to now.")
    ] = PREVIEW_PERIOD.days,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Show what a rule would have sent in the last days.

    It is tried on the stored changes, beside the other rules as they are now. Nothing is stored or sent.
    """
    settings = load_settings(config)
    given = None if file is None else _rule_in(file, name)
    now = command_clock()

    async def read(conn: Conn) -> RulePreview:
        rule = given or find_rule(name, await load_rules(conn)).rule
        return await load_rule_preview(conn, rule, now - timedelta(days=days), now)

    found = with_conn(settings, read)
    if as_json:
        show_json(_as_json(found))
        return
    show(preview_words(found))
    for one in found.largest:
        names = ", ".join(f"@{clean(handle, 60)}" for handle in one.handles)
        left = one.count.total - len(one.handles)
        more = f" and {number(left, 'other')}" if left else ""
        about = f"{one.count.words()}: {names}{more}" if one.count else "no account"
        show(f"{minute(one.at)}: {clean(one.headline, 200)} ({about})")
    show(PREVIEW_LIMITS)


def move_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the rule (see `alerts rules`).")],
    to: Annotated[MovedTo, typer.Argument(metavar="up|down", help="One place earlier or later.")],
    *,
    config: ConfigFile = None,
) -> None:
    """Change the place of a rule in the order of rules.

    Rules of the settings stay first.
    """
    up, now = to is MovedTo.UP, command_clock()
    moved = with_conn(load_settings(config), lambda conn: move_rule(conn, name, COMMAND_LINE, now, up=up))
    if moved:
        show(f"The rule {clean(name, 80)} is tried one place {'earlier' if up else 'later'}.")
    else:
        place = "first" if up else "last"
        show(f"The rule {clean(name, 80)} is already the {place} of those that are not in the settings.")


def find_rule(name: str, known: Sequence[StoredRule]) -> StoredRule:
    """Return a rule by its name, whatever its capital letters. Raises CommandError with the nearest name, or
    with all, if there is none.
    """
    by_name = {stored.rule.name: stored for stored in known}
    called = meant(name, by_name)
    if called is None:
        raise CommandError(unknown_name("rule", name, by_name))
    return by_name[called]


def _rule_in(file: Path, name: str) -> AlertRule:
    parsed = read_rules(file_content(file, _MOST_BYTES, "a file of rules"), file.name)
    if parsed.problems:
        raise CommandError("\n".join(map(str, parsed.problems)))
    for row in parsed.rows:
        if row.rule.name == name:
            return row.rule
    there = ", ".join(clean(row.rule.name, 80) for row in parsed.rows)
    raise CommandError(f"{file.name} has no rule {clean(name, 80)!r}; it has: {there}.")


def _as_json(found: RulePreview) -> dict[str, object]:
    return {
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "emails": found.emails,
        "recipients": list(found.recipients),
        "changes": found.changes,
        "was_read": found.was_read,
        "largest": [
            {
                "at": one.at.isoformat(),
                "kind": one.kind.value,
                "subject": one.headline,
                "recipients": one.recipients,
                "accounts": one.count.accounts,
                "posts": one.count.posts,
                "handles": list(one.handles),
            }
            for one in found.largest
        ],
    }
