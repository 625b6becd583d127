"""How many readings confirm a change of a list's accounts: `blockline lists thresholds`."""

import json

import pytest

from tests.support.clients.command_line import Blockline


def test_the_thresholds_of_a_list_are_shown_set_tried_and_given_up(run: Blockline) -> None:
    run("lists", "add", "desk")
    assert run("lists", "thresholds", "desk").said[0].startswith("This list has no thresholds of its own.")
    assert "once 3 readings show it" in run("lists", "thresholds", "desk", "3", "5").said[0]
    shown = json.loads(run("lists", "thresholds", "desk", "--json").out)
    assert shown == {"list": "desk", "own": True, "strong_readings": 3, "weak_readings": 5}
    tried = run("lists", "thresholds", "desk", "1", "1", "--preview")
    assert (tried.code, "nothing to compare" in tried.said[0]) == (0, True)
    assert json.loads(run("lists", "thresholds", "desk", "--json").out)["strong_readings"] == 3
    run("lists", "thresholds", "desk", "default")
    assert json.loads(run("lists", "thresholds", "desk", "--json").out)["own"] is False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("desk", "3"), "Give two numbers, such as 3 5", id="one number is not enough"),
        pytest.param(("desk", "many", "5"), "Give two numbers, such as 3 5", id="a word is not a number"),
        pytest.param(("desk", "default", "5"), "or the word default alone", id="default stands alone"),
        pytest.param(("desk", "5", "3"), "at least as many", id="an absence needs as many as a statement"),
        pytest.param(("desk", "2", "9"), "from 1 to 6", id="there are no more than six re-reads"),
        pytest.param(("dask", "2", "3"), "There is no list 'dask'", id="the list must be there"),
    ],
)
def test_thresholds_that_no_list_can_have_are_refused(
    run: Blockline, arguments: tuple[str, ...], said: str
) -> None:
    run("lists", "add", "desk")
    refused = run("lists", "thresholds", *arguments)
    assert (refused.code, said in refused.err) == (1, True)
