"""The manual page `blockline(1)`, from the command line itself."""

import re
from collections.abc import Iterator
from typing import Final

from jobs.cli.main import GROUPS, cli
from tests.house.source import ROOT

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


def text() -> str:
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
