"""Commands about alerts: their rules, as a list and as a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from jobs.alerting.rules_file import read_rules
from jobs.alerting.rules_listing import notes, rules_shown
from jobs.base.atomic_files import refuse_taken, whole_file
from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.base.output import OutputTable, show, show_json
from jobs.base.wording import number
from jobs.cli import alerts_actions, alerts_explain
from jobs.cli.database import with_conn
from jobs.cli.lookup import find_rule
from jobs.cli.options import COMMAND_LINE, AsJson, ConfigFile
from jobs.config.settings import load_settings
from jobs.imports.alert_rules import RulesImport, import_rules
from jobs.runtime.app import unknown_channels
from storage.alerts.rules import absent_names, load_rules, remove_rule, save_rule
from storage.model.alerts.rule_codec import to_table
from storage.model.alerts.rule_toml import to_toml
from storage.model.alerts.rule_words import manner_words, match_words
from storage.model.alerts.rules import AbsentNames, StoredRule
from storage.model.text.states import clean
from storage.postgres.pool import Conn

alerts = typer.Typer(
    help="Who is told of what: rules, and what became of each alert; acknowledging and muting.",
    no_args_is_help=True,
)
RuleName = Annotated[str, typer.Argument(metavar="NAME", help="As `alerts rules` shows it.")]


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    alerts_explain.register(alerts)
    alerts_actions.register(alerts)
    cli.add_typer(alerts, name="alerts")


@alerts.command("rules")
def rules_command(*, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """The rules, in the order in which they are tried."""
    settings = load_settings(config)
    wanted = settings.alert_rules

    async def read(conn: Conn) -> tuple[list[StoredRule], AbsentNames]:
        stored = await load_rules(conn)
        return stored, await absent_names(conn, (*wanted, *(s.rule for s in stored)))

    known, absent = with_conn(settings, read)
    out = OutputTable(
        ("Rule", "Enabled", "From", "About", "Tells", "How"),
        "There is no rule, so nobody is told; write some (docs/alerts.md) and: blockline alerts import FILE",
    )
    for one in rules_shown(known, wanted):
        rule, origin = one.rule, "settings" if one.from_settings else "hand"
        enabled = ("yes" if one.enabled else "no") if one.on_file else "at the next run"
        out.add(
            (
                clean(rule.name, 80),
                enabled,
                origin,
                match_words(rule.match),
                ", ".join(rule.recipients) or "nobody",
                "\n".join(manner_words(rule)),
            ),
            {**to_table(rule), "enabled": one.enabled, "origin": origin, "on_file": one.on_file},
        )
    said = notes(known, wanted, absent)
    if as_json:
        show_json({"rules": out.objects, "notes": said})
        return
    out.show("rules", as_json=False)
    for note in said:
        show(f"Note: {note}")


@alerts.command("export")
def export_command(
    *,
    out: Annotated[Path | None, typer.Option(help="A new file; without it, the rules are printed.")] = None,
    config: ConfigFile = None,
) -> None:
    """Write all rules as TOML, for `alerts import` and for blockline.toml."""
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
    show(f"{out} holds {number(len(known), 'rule')}.")


@alerts.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML with [[rules]] tables.")],
    *,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Also remove the rules made by hand that the file lacks, and keep to its order."
        ),
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Add and change rules as a file says: all of it, or nothing when one is refused."""
    settings = load_settings(config)
    parsed = read_rules(_content(file), file.name)

    async def stored(conn: Conn) -> RulesImport:
        return await import_rules(conn, parsed, file.name, COMMAND_LINE, system_clock(), replace=replace)

    done = with_conn(settings, stored)
    unknown = [] if done.problems else unknown_channels(settings, [row.rule for row in parsed.rows])
    if as_json:
        show_json(_as_json(file.name, done, unknown))
    elif not done.problems:
        _tell(file.name, done, unknown)
    if done.problems:
        refused = "1 rule was refused" if len(done.problems) == 1 else f"{len(done.problems)} were refused"
        said = [str(problem) for problem in done.problems]
        raise CommandError("\n".join([*said, f"{refused}, so nothing was stored; mend the file."]))


@alerts.command("enable")
def enable_command(name: RuleName, *, config: ConfigFile = None) -> None:
    """Let a rule tell again. What was decided while it was off stays so."""
    with_conn(load_settings(config), lambda conn: _set_enabled(conn, name, enabled=True))
    show(f"The rule {clean(name, 80)} is enabled.")


@alerts.command("disable")
def disable_command(name: RuleName, *, config: ConfigFile = None) -> None:
    """Have a rule tell nothing; it stays on file."""
    with_conn(load_settings(config), lambda conn: _set_enabled(conn, name, enabled=False))
    show(f"The rule {clean(name, 80)} is disabled: nobody is told by it.")


@alerts.command("remove")
def remove_command(name: RuleName, *, config: ConfigFile = None) -> None:
    """Take a rule away. What it decided stays on record."""
    now = system_clock()
    with_conn(load_settings(config), lambda conn: remove_rule(conn, name, COMMAND_LINE, now))
    show(f"The rule {clean(name, 80)} is gone; what it decided stays on record.")


async def _set_enabled(conn: Conn, name: str, *, enabled: bool) -> None:
    stored = find_rule(name, await load_rules(conn))
    await save_rule(conn, stored.rule, COMMAND_LINE, system_clock(), enabled=enabled)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise CommandError(f"{file}: there is no such file.") from None
    except (OSError, ValueError) as error:
        raise CommandError(f"{file}: cannot be read ({getattr(error, 'strerror', error)}).") from error


def _tell(file: str, done: RulesImport, unknown: Sequence[str]) -> None:
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
