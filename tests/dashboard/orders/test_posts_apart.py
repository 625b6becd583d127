"""An order that names accounts and posts has figures of each, which are never added up."""

from dataclasses import replace
from typing import Any

import pytest

from dashboard.orders.facts import OrderFigures, OrderRecord
from dashboard.orders.order_json import order_json
from dashboard.orders.order_page import order_page
from dashboard.orders.report_html import report_html
from dashboard.orders.restoration import restoration_json
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.orders import (
    Claim,
    ClaimedTargets,
    ClaimedWhat,
    NameOutcome,
    OrderCheck,
    OrderName,
)
from tests.support.clients.page_text import said
from tests.support.clients.report_text import Page
from tests.support.samples.orders import CLAIMED, IMPRINT, MEMBERS, ORDER, POSTS, figures, grounds
from tests.support.samples.readings import minutes


def named(number: int, handle: str, account_id: int | None) -> OrderName:
    outcome = NameOutcome.NOT_TRIED if account_id is None else NameOutcome.RESOLVED
    post = handle.rpartition("/")[2] if "/" in handle else None
    resolved_at = None if account_id is None else minutes(102)
    return OrderName(
        number,
        f"https://x.com/{handle}",
        Platform("x"),
        handle,
        post,
        outcome,
        None if account_id is None else AccountId(account_id),
        "",
        "a paper",
        minutes(101),
        resolved_at,
    )


NAMES = OrderRecord(
    (
        named(1, "account_2", 2),
        named(2, "account_2/5", 21),
        named(3, "account_2/4", 22),
        named(4, "stranger/9", 23),
        named(5, "stranger/10", None),
    )
)
BOTH = figures(members=(*MEMBERS, *POSTS), papers=NAMES)
ACCOUNTS = figures(papers=OrderRecord(NAMES.names[:1]))
NOTHING_BUT_POSTS = figures(
    order=replace(ORDER, named_count=0),
    members=POSTS,
    papers=OrderRecord(NAMES.names[1:]),
)


def report_of(found: OrderFigures) -> Page:
    return Page(report_html(found, grounds(found.members), IMPRINT))


def test_answers_about_posts_state_the_status_of_no_account() -> None:
    check = OrderCheck(
        order_name_id=2,
        source="a study",
        place="IN",
        of_post=True,
        answer="unavailable",
        state=None,
        at_from=None,
        at_to=None,
        known_at=minutes(101),
    )
    found = figures(members=(*MEMBERS, *POSTS), papers=replace(NAMES, checks=(check,)))
    told = report_of(found).words
    assert "Others made these checks" in told
    assert "Of the accounts named" not in told


def test_posts_change_no_time_to_restoration_of_the_accounts() -> None:
    told: Any = restoration_json(BOTH)
    posts = told.pop("posts")
    alone: Any = restoration_json(ACCOUNTS)
    assert alone.pop("posts") is None
    assert told == alone
    assert (posts["spells"], posts["posts"]) == (1, 1)
    assert "accounts" not in posts


@pytest.mark.parametrize(("found", "kinds"), [(BOTH, "accounts"), (NOTHING_BUT_POSTS, "posts")])
def test_a_claim_that_does_not_say_what_it_counts_is_said_to_be_compared_with_one_kind(
    found: OrderFigures, kinds: str
) -> None:
    compared = f"Compared with {kinds}: its source does not say whether it counts accounts, posts or both."
    assert compared in said(order_page(found, [], 1, "light", []))
    assert compared in report_of(found).words
    (claim,) = claims_of(found)
    assert (claim["targets"], claim["compared_with"]) == (None, kinds)


def claims_of(found: OrderFigures) -> list[Any]:
    told: Any = order_json(found)
    return told["claims"]


def test_a_claim_about_posts_is_compared_with_posts() -> None:
    said_so = replace(CLAIMED, claim=Claim(1, None, ClaimedWhat.BLOCKED, targets=ClaimedTargets.POSTS))
    found = figures(members=(*MEMBERS, *POSTS), papers=NAMES, events=(said_so,))
    page = said(order_page(found, [], 1, "light", []))
    assert "1 post blocked" in page
    assert "How many posts the order names is not known." in page
    assert "Compared with" not in page
    (claim,) = claims_of(found)
    assert (claim["targets"], claim["compared_with"]) == ("posts", "posts")
    assert (claim["observed_low"], claim["observed_high"], claim["not_observed"]) == (1, 1, None)
