"""Edits of two people at once: what one did not change stays as the other left it."""

import pytest

from dashboard.filing.edit_callbacks import keyword_edit

NONE: list[str] = []


@pytest.mark.parametrize(
    ("shown", "filled", "edit"),
    [
        pytest.param(["farmers"], "farmers delhi", (["delhi"], NONE), id="one is added"),
        pytest.param(["farmers", "delhi"], "#Delhi", (NONE, ["farmers"]), id="one is removed"),
        pytest.param(
            ["farmers"], " farmers ", (NONE, NONE), id="nothing is changed, so nothing of others goes"
        ),
        pytest.param(NONE, "", (NONE, NONE), id="nothing at all"),
    ],
)
def test_keywords_are_changed_from_what_the_page_showed(
    shown: list[str], filled: str, edit: tuple[list[str], list[str]]
) -> None:
    assert keyword_edit(shown, filled) == edit
