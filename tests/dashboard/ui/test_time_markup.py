"""Moments in a page's words become elements that a browser can tell in another zone."""

from datetime import UTC, datetime
from typing import Any

import pytest
from dash import html

from dashboard.ui import words
from dashboard.ui.time_markup import QUOTED, day, pieces, timed
from tests.support.clients.page_text import said

NOON = datetime(2021, 2, 1, 12, 0, 9, tzinfo=UTC)
LATER = NOON.replace(minute=15)
NEXT = NOON.replace(day=2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("nothing", ["nothing"], id="no moment"),
        pytest.param("", [], id="no word"),
        pytest.param(
            words.stamp(NOON), [{"text": "1 Feb 2021, 12:00 UTC", "at": "2021-02-01T12:00Z"}], id="a moment"
        ),
        pytest.param(
            words.exact(NOON),
            [{"text": "1 Feb 2021, 12:00:09 UTC", "at": "2021-02-01T12:00:09Z"}],
            id="to the second where the words say it",
        ),
        pytest.param(
            f"gives nothing since {words.stamp(NOON)}, at last",
            [
                "gives nothing since ",
                {"text": "1 Feb 2021, 12:00 UTC", "at": "2021-02-01T12:00Z"},
                ", at last",
            ],
            id="a moment among words",
        ),
        pytest.param(
            words.between(NOON, LATER),
            [
                {
                    "text": "1 Feb 2021, between 12:00 and 12:15 UTC",
                    "at": "2021-02-01T12:15Z",
                    "from": "2021-02-01T12:00Z",
                }
            ],
            id="an interval of one day is one moment",
        ),
        pytest.param(
            words.between(NOON, NEXT),
            [
                {
                    "text": "between 1 Feb 2021, 12:00 and 2 Feb 2021, 12:00 UTC",
                    "at": "2021-02-02T12:00Z",
                    "from": "2021-02-01T12:00Z",
                }
            ],
            id="an interval of two days as well",
        ),
        pytest.param(
            words.between(None, NOON),
            ["on or before ", {"text": "1 Feb 2021, 12:00 UTC", "at": "2021-02-01T12:00Z"}],
            id="nothing contrary was ever seen",
        ),
        pytest.param(
            words.since(NOON, NEXT),
            [
                "between ",
                {"text": "1 Feb 2021", "at": "2021-02-01"},
                " and ",
                {"text": "2 Feb 2021", "at": "2021-02-02"},
            ],
            id="days have no moment",
        ),
        pytest.param(
            f"told “{words.stamp(NOON)}” to all",
            [f"told “{words.stamp(NOON)}” to all"],
            id="what is quoted stays",
        ),
        pytest.param(
            f"“open {words.stamp(NOON)}",
            [f"“open {words.stamp(NOON)}"],
            id="a quotation that never ends as well",
        ),
        pytest.param("31 Feb 2021, 12:00 UTC", ["31 Feb 2021, 12:00 UTC"], id="no such day"),
        pytest.param("1 Feb 2021, 25:00 UTC", ["1 Feb 2021, 25:00 UTC"], id="no such hour"),
        pytest.param("1 Feb 2021, 12:00", ["1 Feb 2021, 12:00"], id="a time of no zone"),
    ],
)
def test_pieces_of_a_text(text: str, expected: list[Any]) -> None:
    assert pieces(text) == expected


def test_a_page_says_the_same_and_carries_its_moments() -> None:
    page = html.Div(
        [
            html.P(words.stamp(NOON)),
            html.P(["since ", html.B(words.between(NOON, LATER))]),
            html.Pre(words.stamp(NOON)),
            html.A(words.stamp(NOON), className=f"subject {QUOTED}"),
            day(NOON),
            html.Td(5),
            html.Td(),
        ]
    )
    before = " ".join(said(page).split())
    found: Any = timed(page)
    assert " ".join(said(found).split()) == before
    alone, among, raw, quoted, known, *_ = found.children
    assert alone.children.dateTime == "2021-02-01T12:00Z"
    interval = among.children[1].children
    assert (interval.dateTime, getattr(interval, "data-from")) == ("2021-02-01T12:15Z", "2021-02-01T12:00Z")
    assert isinstance(raw.children, str)
    assert isinstance(quoted.children, str)
    assert (known.dateTime, getattr(known, "data-as")) == ("2021-02-01T12:00Z", "day")
