"""Adding accounts: what a browser sends as the name of a file gets into a log that nothing leaves."""

import pytest

from dashboard.accounts.add_page import source_of


@pytest.mark.parametrize(
    ("given", "source"),
    [
        pytest.param("desk.csv", "desk.csv", id="the name of a file"),
        pytest.param("a\0b\nc", "a\ufffdb\ufffdc", id="characters that nothing stores or shows"),
        pytest.param("x" * 4_000_000, f"{'x' * 99}…", id="a name that no file has"),
        pytest.param(" ", "pasted names", id="nothing"),
        pytest.param({"name": "desk.csv"}, "pasted names", id="another value than a text"),
    ],
)
def test_a_source_is_short_and_on_one_line(given: object, source: str) -> None:
    assert source_of(given) == source
