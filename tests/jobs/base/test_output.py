"""What commands print: nothing that a stranger wrote commands the terminal."""

import pytest

from jobs.base.output import OutputTable
from tests.support.samples.readings import invisible

HOSTILE = "\x1b]0;owned\x07\x9b31m\u202e\u2028\r\x7f"


def test_a_table_shows_the_characters_of_its_cells(capsys: pytest.CaptureFixture[str]) -> None:
    table = OutputTable(("handle", HOSTILE), "None.")
    table.add((HOSTILE, "calm"), {"handle": HOSTILE})
    table.show("accounts", as_json=False)
    out = capsys.readouterr().out
    assert invisible(out) == {"\n"}
    assert r"\x1b]0;owned" in out
