"""The commands that reckon, as a user meets them: no database, no settings, nobody asked."""

from pathlib import Path

import pytest

from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.samples.readings import HEADER


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    return blockline(capsys)


def test_it_tells_every_figure_with_its_basis_and_what_it_rests_on(run: Blockline) -> None:
    done = run("plan", "--platform", "x", "--accounts", 20_000, "--every", "24h", "--list", 257)
    assert done.code == 0, done.err
    assert done.said[0] == "20,000 accounts on X, a sweep every 24 h."
    assert done.said[1].startswith("Inside the documented limit of 300 requests in 15 min for an app (X's")
    rows = {cells[1].strip(): cells[2].strip() for line in done.said if len(cells := line.split("│")) > 4}
    assert rows["Requests per day"] == "205"
    assert rows["Per day"] == "$200.00"
    assert rows["Block of a whole list of 257, on average"] == "12 h"
    assert "documented: stated by the platform, or derived from its statements." in done.said


def test_a_program_gets_one_object(run: Blockline) -> None:
    done = run(
        "plan", "--platform", "x", "--accounts", 20_000, "--money", 20, "--planner", "adaptive", "--json"
    )
    assert done.code == 0, done.err
    told = done.json
    assert (told["platform"], told["accounts"], told["planner"], told["room"]) == (
        "x",
        20_000,
        "adaptive",
        "inside",
    )
    assert told["figures"]["usd_a_day"]["value"] == pytest.approx(20)
    assert told["figures"]["round"] == {"value": 15 * 86_400, "unit": "s", "basis": "rule", "rests_on": ""}
    assert (told["lists"], told["list_watches"]) == ([], [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--every", "soon"],
            "--every: 'soon' is not a duration up to a year; write it like 90s, 15m, 6h or 1d.",
        ),
        (
            [],
            "--every: Give exactly one of the length of a sweep, the readings per hour and the money per "
            "day.",
        ),
        (["--budget", "0"], "--budget: The number must be at least 0.01."),
        (["--budget", "nan"], "--budget: The number must be at least 0.01."),
        (["--every", "1h", "--list", "501"], "--list: A list must have between 1 and 500 accounts, not 501."),
        (
            ["--money", "1.99", "--planner", "adaptive"],
            "--money: With the adaptive planner, give between 2 and 1,000,000 dollars per day.",
        ),
        (
            ["--every", "1h", "--servers", "3"],
            "--servers: X does not have several servers; leave servers out.",
        ),
    ],
)
def test_what_cannot_be_estimated_is_refused_in_one_line_that_names_the_option(
    run: Blockline, options: list[str], said: str
) -> None:
    done = run("plan", "--platform", "x", "--accounts", 500, *options)
    assert (done.code, done.out, done.complaints) == (1, "", [said])


def test_a_rehearsal_reads_nobody_more_often_than_once_a_minute(run: Blockline, tmp_path: Path) -> None:
    history = tmp_path / "history.csv"
    history.write_text(f"{HEADER}\nx,1,one,2021-02-01T00:00:00Z,available,,\n")
    done = run("rehearse", history, "--budget", "1e30")
    said = "--budget: each account would be read more than once per minute; use a lower number."
    assert (done.code, done.out, done.complaints) == (1, "", [said])
