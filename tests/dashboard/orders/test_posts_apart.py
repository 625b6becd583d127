"""An order that names accounts and posts has figures of each, which are never added up."""

from dataclasses import replace
from typing import Any

import pytest

from dashboard.orders.charts import multiples_figure
from dashboard.orders.facts import OrderFigures, OrderRecord
from dashboard.orders.figures import part_figure
from dashboard.orders.order_json import order_json
from dashboard.orders.order_page import order_page
from dashboard.orders.orders_page import orders_page
from dashboard.orders.report import OrderReport
from dashboard.orders.report_html import report_html
from dashboard.orders.restoration import restoration_json, restoration_of
from dashboard.orders.restoration_page import restoration_page
from dashboard.orders.words import sentences
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.orders import (
    Claim,
    ClaimedTargets,
    ClaimedWhat,
    NameOutcome,
    OrderCheck,
    OrderName,
)
from storage.model.orders.cohort import CohortPart, by_first_block
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


def posts_of(found: OrderFigures) -> OrderFigures:
    assert found.posts is not None
    return found.posts


def test_posts_change_no_figure_of_the_accounts() -> None:
    assert (BOTH.funnel, BOTH.shares, BOTH.steps) == (ACCOUNTS.funnel, ACCOUNTS.shares, ACCOUNTS.steps)
    said_so = replace(CLAIMED, claim=Claim(4, 10, ClaimedWhat.BLOCKED, targets=ClaimedTargets.ACCOUNTS))
    beside_posts, alone = (
        figures(members=members, events=(said_so,)) for members in ((*MEMBERS, *POSTS), MEMBERS)
    )
    assert beside_posts.claims == alone.claims


def test_posts_are_counted_from_their_own_names_and_readings() -> None:
    funnel = posts_of(BOTH).funnel
    assert (funnel.named, funnel.resolved, funnel.read) == (4, 3, 2)
    assert (funnel.ever_blocked, funnel.blocked_now, funnel.restored) == (1, 1, 0)
    assert posts_of(BOTH).claims == ()


def test_posts_on_the_list_are_named_even_if_no_name_is_stored() -> None:
    assert posts_of(figures(members=(*MEMBERS, *POSTS))).funnel.named == len(POSTS)


def test_an_order_without_posts_has_no_section_of_posts() -> None:
    assert ACCOUNTS.sections == (ACCOUNTS,)
    assert [one.noun for one in BOTH.sections] == ["account", "post"]


def test_an_order_of_posts_alone_has_no_section_of_accounts() -> None:
    assert [one.noun for one in NOTHING_BUT_POSTS.sections] == ["post"]
    assert not [s for s in sentences(NOTHING_BUT_POSTS) if "0 accounts" in s]


def test_the_sentences_say_what_each_number_counts() -> None:
    told = sentences(BOTH)
    (of_posts,) = (s for s in told if s.startswith("1 of the 3 posts on its list (33"))
    assert "was seen blocked at some time since the order" in of_posts
    assert any("accounts on its list" in s for s in told)
    assert "Never read: 1 post on its list. Whether any of them was blocked is not known." in told
    assert "The order names 4 posts; this installation knows nothing about 1 of them." in told


def test_posts_follow_the_account_of_their_author() -> None:
    ranked = [m.handle for m in by_first_block(BOTH.members, ORDER.issued_at)]
    assert ranked[ranked.index("account_2") :][:3] == ["account_2", "account_2/5", "account_2/4"]
    assert ranked[-1] == "stranger/9"


@pytest.mark.parametrize("found", [BOTH, NOTHING_BUT_POSTS])
def test_the_pages_and_the_report_show_each_section(found: OrderFigures) -> None:
    page = said(order_page(found, [], 1, "light", []))
    table = said(orders_page([found], "light", []))
    report = report_of(found)
    has_accounts = found is BOTH
    assert ("From named accounts to blocks" in page) is has_accounts
    assert "From named posts to blocks" in page
    assert "Kinds of action on posts" in page
    assert ("posts of the same order" in table) is has_accounts
    beside: Any = multiples_figure(found.sections, "light")
    titles = [a.text for a in beside.layout.annotations]
    assert titles == [*(["Order 1"] if has_accounts else []), "Order 1, posts"]
    assert ("funnel" in report.tables) is has_accounts
    assert {row[0]: row[1] for row in report.tables["funnel-posts"].rows}["Ever blocked"] == "1"


def report_of(found: OrderFigures) -> Page:
    return Page(report_html(found, grounds(found.members), IMPRINT))


def test_the_report_has_one_heading_for_the_deadline_and_a_sentence_for_each_kind() -> None:
    heading, told = "At the deadline ", report_of(BOTH).words
    assert told.count(heading) == 1
    assert told.partition(heading)[2].partition("Claimed and observed")[0].count("At the deadline, ") == 2


def test_a_report_on_posts_alone_does_not_call_them_accounts() -> None:
    told = report_of(NOTHING_BUT_POSTS).words
    assert "of the posts that this order names" in told
    assert "A post counts as not checked until its first status is confirmed." in told
    assert report_of(NOTHING_BUT_POSTS).titles[-1] == "Posts 1 to 3, one lane each"


@pytest.mark.parametrize("found", [BOTH, NOTHING_BUT_POSTS])
def test_a_report_with_posts_does_not_say_that_posts_are_not_observed(found: OrderFigures) -> None:
    told = report_of(found).words
    assert "Posts that were withheld while their account was not" not in told
    assert "Posts that are not on the list" in told


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


@pytest.mark.parametrize("found", [BOTH, NOTHING_BUT_POSTS])
def test_the_time_to_restoration_is_estimated_of_each_kind(found: OrderFigures) -> None:
    page = said(restoration_page(found, [restoration_of(one) for one in found.sections], "light", []))
    report = Page(OrderReport(found, grounds(found.members), IMPRINT).html()).words
    has_accounts = found is BOTH
    assert ("Share of accounts still blocked" in page) is has_accounts
    assert "Share of posts still blocked" in page
    assert "The figures cover 1 block of 1 post. Still blocked when last seen: 1." in page
    assert ("Time to restoration of accounts" in report) is has_accounts
    assert "Time to restoration of posts" in report
    assert "The figures cover 1 block of 1 post. Still blocked when last seen: 1." in report


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


def test_what_was_observed_of_a_claim_about_posts_is_not_zero_where_no_post_was_read() -> None:
    said_so = replace(CLAIMED, claim=Claim(2, 3, ClaimedWhat.BLOCKED, targets=ClaimedTargets.POSTS))
    found = figures(events=(said_so,))
    (claim,) = claims_of(found)
    assert (claim["observed_low"], claim["observed_high"], claim["not_observed"]) == (None, None, 3)
    assert report_of(found).tables["claims"].rows[0][1:3] == ["2 of 3 posts blocked", "not known"]


def test_the_api_has_the_posts_apart() -> None:
    told: Any = order_json(BOTH)
    assert told["posts"]["funnel"]["ever_blocked"] == 1
    assert [one["handle"] for one in told["posts"]["posts"]] == ["account_2/5", "account_2/4", "stranger/9"]
    assert len(told["accounts"]) == len(MEMBERS)
    assert told["names"]["posts"] == {
        "named": 4,
        "resolved": 3,
        "ambiguous": 0,
        "unresolvable": 0,
        "not_tried": 1,
    }
    assert order_json(ACCOUNTS)["posts"] is None


def test_a_figure_of_posts_has_a_name_of_its_own() -> None:
    assert part_figure(BOTH, CohortPart.WATCHED) == "order/7/part/watched"
    assert part_figure(posts_of(BOTH), CohortPart.WATCHED) == "order/7/posts/part/watched"
