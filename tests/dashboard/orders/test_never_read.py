"""An account that was never read is unknown: no share, line or number of blocks is zero because of it."""

from dataclasses import replace
from typing import Any

import pytest

from dashboard.orders.charts import curve_figure, lanes_figure, multiples_figure
from dashboard.orders.order_json import order_json
from dashboard.orders.order_page import order_page
from dashboard.orders.orders_page import orders_page
from dashboard.orders.report_html import report_html
from dashboard.orders.report_svg import curve_svg, described
from dashboard.orders.words import sentences
from tests.support.clients.page_text import said
from tests.support.clients.report_text import Page
from tests.support.samples.orders import IMPRINT, MEMBERS, ORDER, figures, grounds, member
from tests.support.samples.readings import minutes

NEVER = figures(members=[member(1)], events=())
LATER = figures(members=[member(1), MEMBERS[1]], events=())
LINES = ("Withheld in IN", "Suspended everywhere", "Blocked, as read")
COUNTS = ("ever_blocked", "blocked_before_the_order", "blocked_now", "restored", "gone_since")


def test_the_sentences_say_that_nothing_was_read() -> None:
    first, deadline, *_ = sentences(NEVER)
    assert first.startswith("No account on its list has been read yet.")
    assert "not known, because no account on its list had been read" in deadline
    assert "0 %" not in " ".join(sentences(NEVER))


def test_an_account_that_was_never_read_is_said_beside_those_that_were() -> None:
    told = "Never read: 1 account on its list. Whether any of them was blocked is not known."
    assert told in sentences(LATER)


@pytest.mark.parametrize("shown", [order_page(NEVER, [], 1, "light", []), orders_page([NEVER], "light", [])])
def test_no_page_shows_a_zero_of_accounts_that_were_never_read(shown: Any) -> None:
    page = said(shown)
    assert "–" in page
    assert "0 %" not in page.replace("100 %", "")


def test_the_report_has_dashes_and_no_curve() -> None:
    told = Page(report_html(NEVER, grounds(NEVER.cohort.members), IMPRINT))
    funnel = {row[0]: row[1] for row in told.tables["funnel"].rows}
    assert [funnel[name] for name in ("Ever blocked", "Blocked now", "Restored")] == ["–", "–", "–"]
    assert "Never seen blocked" not in funnel
    assert described(NEVER) == "There is no curve, because no account on the order's list has been read."
    assert "<path" not in curve_svg(NEVER)
    assert "<path" in curve_svg(LATER)


def test_the_api_answers_null() -> None:
    told: Any = order_json(NEVER)
    assert [told["funnel"][name] for name in COUNTS] == [None] * len(COUNTS)
    assert told["funnel"]["read"] == 0
    assert {step["blocked"] for step in told["curve"]} == {None}


def test_a_line_begins_with_the_first_reading() -> None:
    never: Any = curve_figure(NEVER, "light")
    assert {y for trace in never.data if trace.name in LINES for y in trace.y} == {None}
    first = replace(ORDER, issued_at=minutes(-200))
    later: Any = curve_figure(figures(first, [MEMBERS[1]], events=()), "light")
    blocked = next(trace for trace in later.data if trace.name == "Blocked, as read")
    unknown = [at for at, y in zip(blocked.x, blocked.y, strict=True) if y is None]
    assert unknown
    assert max(unknown) < minutes(0)
    beside: Any = multiples_figure([NEVER], "dark")
    assert {y for trace in beside.data for y in trace.y} == {None}


def test_the_lane_of_an_account_that_was_never_read_has_its_handle() -> None:
    lanes: Any = lanes_figure(NEVER, NEVER.cohort.members, "light")
    assert lanes.layout.yaxis.type == "category"
    assert list(lanes.layout.yaxis.categoryarray) == ["account_1"]
