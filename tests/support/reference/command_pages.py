"""Every command with its arguments, options and examples, and the manual page, from the code itself."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from jobs.cli.main import GROUPS, cli, loaded
from tests.house.source import ROOT

PAGES: Final[Mapping[str, Sequence[str]]] = {
    "watch": ("run", "check", "status", "accounts", "lists", "executives"),
    "alerts": ("alerts", "incidents"),
    "orders": ("orders", "report", "published"),
    "history": ("replay", "rehearse", "demo", "simulate", "stories", "import", "export", "mcp"),
    "evidence": ("evidence", "causes", "purge", "purges"),
    "operations": (
        *("init", "where", "doctor", "plan", "apply", "setup", "workers", "users", "tokens"),
        *("secrets", "backup", "restore", "archive", "unarchive", "migrate", "upgrade"),
    ),
}
"""The commands and groups of commands of each page."""


_TYPE: Final = re.compile(" <(?:str|path)>$")


def commands(page: str) -> Iterator[tuple[str, Any]]:
    """Those of a page by the words that call them, each group before its own."""
    for name in PAGES[page]:
        command = loaded(name)
        yield name, command
        for under, one in getattr(command, "commands", {}).items():
            yield f"{name} {under}", one


def markdown(page: str) -> str:
    """A section for each command; below a group those of its own."""
    return "\n".join(line for name, command in commands(page) for line in _lines(name, command))


def _lines(name: str, command: Any) -> Iterator[str]:
    context = command.make_context(name, [], resilient_parsing=True)
    yield from (f"{'###' if ' ' in name else '##'} blockline {name}", "")
    for paragraph in (command.help or "").split("\n\n"):
        if said := " ".join(paragraph.split()):
            yield from (said, "")
    if not hasattr(command, "commands"):
        usage = " ".join(piece.strip("{}") for piece in command.collect_usage_pieces(context))
        yield from ("```text", f"blockline {name} {usage}".rstrip(), "```", "")
        records = [param.get_help_record(context) for param in command.params]
        if rows := [record for record in records if record is not None]:
            yield from ("| option | meaning |", "| --- | --- |")
            yield from (f"| `{_TYPE.sub('', names)}` | {_meaning(said)} |" for names, said in rows)
            yield ""
    if examples := [line[2:] for line in (command.epilog or "").splitlines() if line.startswith("  ")]:
        yield from ("```", *examples, "```", "")


def _meaning(said: str) -> str:
    """One line. What explains a default stands in brackets within brackets."""
    return " ".join(said.split()).replace("[default: (", "[default: ").replace(")]", "]").replace("|", "\\|")


FILE: Final = ROOT / "docs/reference/blockline.1"


_CODE: Final = re.compile("`([^`]+)`")


_AFTER: Final = r"""
.SH FILES
.TP
.I blockline.toml
Settings, in the current folder.
.TP
.I ~/.config/blockline/blockline.toml
Settings of the user, read if the current folder has none.
.TP
.I ~/.local/share/blockline
Database and backups; for root
.IR /var/lib/blockline .
.PP
.B blockline where
shows the places that are in use.
.SH ENVIRONMENT
.TP
.BI BLOCKLINE_ SETTING
Sets a setting, in capitals. It takes precedence over the file.
.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
Refused or failed; one sentence on the standard error says why.
.TP
.B 2
Wrong usage.
.SH EXAMPLES
.nf
blockline check https://bsky.app/profile/bsky.app
blockline init
blockline accounts import watch.csv
blockline run
.fi
"""


def manual() -> str:
    """The page in the language of man(7)."""
    return "\n".join(_before()) + _AFTER


def _before() -> Iterator[str]:
    yield r""".\" Written by `python -m tests.support.reference`."""
    yield '.TH BLOCKLINE 1 "" blockline "User commands"'
    yield from (
        ".SH NAME",
        r"blockline \- say when watched accounts are blocked, where, and when they return",
    )
    yield from (".SH SYNOPSIS", ".B blockline", ".I COMMAND", ".RI [ ARGUMENT ...]")
    yield from (".SH DESCRIPTION", _roff(cli.info.help or ""), ".PP")
    yield from (
        ".B blockline",
        r"\fICOMMAND\fR \fB\-\-help\fR",
        "shows the arguments, options and examples of a command.",
    )
    yield ".SH COMMANDS"
    for title, commands in GROUPS.items():
        yield f".SS {title}"
        for name, summary in commands.items():
            yield from (".TP", f".B {name}", _roff(summary))


def _roff(sentence: str) -> str:
    return _CODE.sub(r"\\fB\1\\fR", sentence.replace("-", r"\-"))
