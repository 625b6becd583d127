"""How far an order was followed, told by the command line from the figures of the dashboard."""

from datetime import datetime

import pytest

from tests.support.clients.command_line import Blockline
from tests.support.seeds.changes import Story


@pytest.fixture
def run(run: Blockline, monkeypatch: pytest.MonkeyPatch) -> Blockline:
    monkeypatch.setenv("BLOCKLINE_SWEEP_EVERY", "30m")
    return run


def test_the_time_to_restoration_is_told_when_it_is_asked_for(
    story: Story, now: datetime, run: Blockline
) -> None:
    at = f"--at={now.isoformat().replace('+00:00', 'Z')}"
    assert "restoration" not in run("orders", "show", "SYN/1", at, "--json").json
    told = run("orders", "show", "SYN/1", at, "--restoration", "--json").json["restoration"]
    assert told["spells"] == len(told["intervals_s"]) > 0
    last = run("orders", "show", "SYN/1", at, "--restoration").said[-1]
    assert last.endswith("for times below this limit.")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("orders", "show", "NO"), "There is no order with the reference NO."),
        (("orders", "show", "SYN/1", "--at=yesterday"), "--at"),
        (("orders", "show", "SYN/1", "--as-known-at=2999-01-01T00:00Z"), "--as-known-at"),
        (("orders", "show", "SYN/1", "--as-known-at=2000-01-01T00:00Z"), "There is no order"),
    ],
)
def test_what_cannot_be_told_is_refused_in_a_sentence(
    story: Story, run: Blockline, words: tuple[str, ...], complaint: str
) -> None:
    ran = run(*words)
    assert ran.code == 1
    assert ran.out == ""
    (sentence,) = ran.complaints
    assert complaint in sentence
