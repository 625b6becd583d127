"""Promising that a list is read so often: `blockline lists read-every`."""

from pathlib import Path

import pytest

from tests.support.clients.command_line import Blockline

ACCOUNTS = "platform,handle,account_id,list\n" + "".join(
    f"x,h{n},{1000 + n},{'desk' if n < 10 else 'rest'}\n" for n in range(100)
)


@pytest.fixture
def run(run: Blockline, monkeypatch: pytest.MonkeyPatch) -> Blockline:
    monkeypatch.setenv("BLOCKLINE_PLANNER", "adaptive")
    monkeypatch.setenv("BLOCKLINE_SWEEP_EVERY", "1d")
    Path("accounts.csv").write_text(ACCOUNTS)
    assert run("accounts", "import", "accounts.csv").code == 0
    return run


def test_a_list_is_promised_to_be_read_so_often_and_then_in_its_turn_again(run: Blockline) -> None:
    promised = run("lists", "read-every", "Desk", "5m")
    assert " ".join(promised.said) == (
        "The accounts on the list desk are read at least every 5 min: about 120 readings per hour "
        "in addition to the sweep."
    )
    again = run("lists", "read-every", "desk", "turn")
    assert again.said == ["The accounts on the list desk have no guaranteed interval now."]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(
            ("nobody", "8h"), "There is no list 'nobody'; there are: desk, rest.", id="no such list"
        ),
        pytest.param(("desk", "soon"), "'soon' is not a duration", id="no duration"),
        pytest.param(("desk", "30s"), "The shortest guaranteed interval", id="too often for any platform"),
    ],
)
def test_a_promise_that_cannot_be_is_refused_in_a_sentence(
    run: Blockline, arguments: tuple[str, str], sentence: str
) -> None:
    ran = run("lists", "read-every", *arguments)
    assert ran.code == 1
    assert sentence in " ".join(ran.err.split())


def test_a_sweep_promises_nothing(run: Blockline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLOCKLINE_PLANNER", "sweep")
    ran = run("lists", "read-every", "desk", "8h")
    assert ran.code == 1
    assert 'set planner = "adaptive" first' in ran.err
