"""What commands print: nothing that a stranger wrote commands the terminal."""

import io
import json

import pytest
from rich.table import Table

from jobs.base.output import EscapingConsole, OutputTable, show, show_json
from tests.support.samples.readings import hostile, invisible

HOSTILE = "\x1b]0;owned\x07\x9b31m\u202e\u2028\r\x7f"


def test_a_sentence_shows_every_character(capsys: pytest.CaptureFixture[str]) -> None:
    show(hostile())
    assert invisible(capsys.readouterr().out) == {"\n"}


def test_a_table_shows_the_characters_of_its_cells(capsys: pytest.CaptureFixture[str]) -> None:
    table = OutputTable(("handle", HOSTILE), "None.")
    table.add((HOSTILE, "calm"), {"handle": HOSTILE})
    table.show("accounts", as_json=False)
    out = capsys.readouterr().out
    assert invisible(out) == {"\n"}
    assert r"\x1b]0;owned" in out


def test_json_holds_what_was_written_in_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"handle": HOSTILE})
    out = capsys.readouterr().out
    assert out.isascii()
    assert invisible(out) == {"\n"}
    assert json.loads(out) == {"handle": HOSTILE}


def test_a_console_keeps_its_own_colours_and_no_others() -> None:
    stream = io.StringIO()
    table = Table("a")
    table.add_row("\x1b[31mred", style="bold")
    EscapingConsole(file=stream, force_terminal=True, color_system="standard").print(table)
    assert "\x1b[1m" in stream.getvalue()
    assert "\x1b[31m" not in stream.getvalue()
