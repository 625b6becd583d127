"""An order names who was seen back first, with the readings that bound it, and leads there."""

from typing import Any

import pytest

from dashboard.orders.facts import OrderFigures
from dashboard.orders.order_json import order_json
from dashboard.orders.order_page import order_page
from dashboard.orders.words import sentences
from tests.support.clients.page_text import said
from tests.support.samples.orders import MEMBERS, figures, member
from tests.support.samples.readings import AVAILABLE, SUSPENDED, WITHHELD_IN

BACK_POST = member(
    31, (0, AVAILABLE), (200, WITHHELD_IN), (450, AVAILABLE), handle="account_2/7", is_post=True
)
ALONE = member(11, (0, AVAILABLE), (200, WITHHELD_IN), (400, AVAILABLE), handle="first_one")
WITH_ONE = member(12, (0, AVAILABLE), (210, SUSPENDED), (400, AVAILABLE), handle="another")


def firsts(found: OrderFigures) -> list[str]:
    return [s for s in sentences(found) if s.startswith("First seen back")]


@pytest.mark.parametrize(
    ("members", "told"),
    [
        pytest.param(MEMBERS[:2], [], id="nothing is said where nobody was seen back"),
        pytest.param(
            (*MEMBERS, ALONE),
            [
                "First seen back 1 Feb 2021, between 06:25 and 06:40 UTC: @first_one, "
                "blocked 1 Feb 2021, between 03:05 and 03:20 UTC."
            ],
            id="one account, with the readings around its return and its block",
        ),
        pytest.param(
            (ALONE, WITH_ONE),
            [
                "First seen back 1 Feb 2021, between 06:25 and 06:40 UTC: @another and 1 more account, "
                "blocked 1 Feb 2021, between 03:05 and 03:30 UTC."
            ],
            id="those of the same reading are not put in an order",
        ),
        pytest.param(
            (ALONE, BACK_POST),
            [
                "First seen back 1 Feb 2021, between 06:25 and 06:40 UTC: @first_one, "
                "blocked 1 Feb 2021, between 03:05 and 03:20 UTC.",
                "First seen back 1 Feb 2021, between 07:15 and 07:30 UTC: @account_2/7, "
                "blocked 1 Feb 2021, between 03:05 and 03:20 UTC.",
            ],
            id="a post is first among posts",
        ),
    ],
)
def test_who_was_seen_back_first_is_named(members: Any, told: list[str]) -> None:
    found = figures(members=members)
    assert firsts(found) == told
    in_json: Any = order_json(found)["sentences"]
    assert [s for s in in_json if s.startswith("First seen back")] == told


def test_the_page_leads_to_who_was_seen_back_first() -> None:
    page = order_page(figures(members=(ALONE, MEMBERS[0], BACK_POST)), [], 1, "light", [])
    words = " ".join(said(page).split())
    assert "between 06:25 and 06:40 UTC: @first_one , blocked 1 Feb 2021" in words
    parts: list[Any] = list(page._traverse())  # pyright: ignore
    links = [a for a in parts if getattr(a, "className", None) == "under"]
    named = {str(a.children): a.href for a in links if str(a.children).startswith("@")}
    assert named == {"@first_one": "/account/11", "@account_2/7": "/account/31"}
