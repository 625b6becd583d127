"""The report on an order: the same numbers as everywhere, nothing from outside, nothing that was not seen."""

from dataclasses import replace
from typing import Any

import pytest

from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from dashboard.orders.facts import OrderFigures, OrderRecord
from dashboard.orders.report import OrderReport
from dashboard.orders.report_html import report_html
from dashboard.orders.report_lanes import ALL_UP_TO, NAMED_UP_TO, lanes_of
from dashboard.orders.report_svg import curve_svg
from dashboard.orders.report_words import coverage_words, silences, within
from storage.model.causes.causes import (
    CauseSubject,
    CauseText,
    StatedCause,
)
from storage.model.core.availability import Flag
from storage.model.core.coverage import Gap
from storage.model.core.orders import NameOutcome, OrderCheck, OrderDocument, OrderName
from storage.model.orders.cohort import by_first_block
from tests.storage.causes.test_ledger import PAPER
from tests.support.clients.report_text import Page
from tests.support.samples.orders import (
    IMPRINT,
    MEMBERS,
    NOW,
    ORDER,
    POSTS,
    figures,
    grounds,
    member,
    renamed,
)
from tests.support.samples.readings import AVAILABLE, MINUTE, SUSPENDED, WITHHELD_IN, minutes

HOSTILE = '"><script>alert(1)</script><img src=http://evil.example/x>'
DOCUMENT = OrderDocument("order.pdf", "application/pdf", "the ministry", "ab" * 32, 1_234, minutes(110), "me")
NAME = OrderName(
    order_name_id=1,
    said="@account_2",
    platform=X,
    handle="account_2",
    post_id=None,
    outcome=NameOutcome.RESOLVED,
    account_id=MEMBERS[1].account_id,
    note="",
    source="a paper",
    known_at=minutes(110),
    resolved_at=minutes(111),
)
CHECK = OrderCheck(
    1, "an archive", "IN", False, "withheld", WITHHELD_IN, minutes(120), minutes(130), minutes(140)
)


def page(found: OrderFigures, **imprint: Any) -> Page:
    return Page(report_html(found, grounds(found.cohort.members), replace(IMPRINT, **imprint)))


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


@pytest.mark.parametrize(
    ("rule", "after", "by", "words"),
    [
        ("minutes are rounded outward", 10.6, 25.2, "1 Feb 2021, between 00:10 and 00:26 UTC"),
        ("whole minutes stay", 10, 25, "1 Feb 2021, between 00:10 and 00:25 UTC"),
        ("a night is told with both days", -10, 20, "between 31 Jan 2021, 23:50 and 1 Feb 2021, 00:20 UTC"),
        ("without a contrary reading there is no beginning", None, 20, "on or before 1 Feb 2021, 00:20 UTC"),
    ],
)
def test_an_interval_never_excludes_the_true_time(
    rule: str, after: float | None, by: float, words: str
) -> None:
    assert within(None if after is None else minutes(after), minutes(by)) == words, rule


def test_nothing_that_strangers_wrote_becomes_markup_or_style() -> None:
    order = replace(
        ORDER, reference=HOSTILE, title=HOSTILE, issuer=HOSTILE, legal_basis=HOSTILE, country=HOSTILE[:8]
    )
    members = (renamed(HOSTILE), *MEMBERS[2:])
    papers = OrderRecord(
        (replace(NAME, said=HOSTILE),),
        (replace(CHECK, source=HOSTILE, place=HOSTILE, answer=HOSTILE),),
        (replace(DOCUMENT, name=HOSTILE, source=HOSTILE),),
    )
    events = tuple(replace(e, text=HOSTILE, source=HOSTILE) for e in figures().cohort.events)
    found = figures(order, members, papers, events)
    behind = replace(
        grounds(members), native_ids={m.account_id: HOSTILE for m in members}, imported=((HOSTILE, 3),)
    )
    told = Page(report_html(found, behind, replace(IMPRINT, made_by=HOSTILE)))
    assert not {"script", "img"} & {tag for tag, _ in told.tags}
    assert "evil.example" not in told.styles
    assert "alert(1)" in told.words
    report = OrderReport(found, behind, IMPRINT)
    assert (
        report.name(".html")
        == "report-script-alert-1---script--img-src-http---evil.example-x-2021-02-01.html"
    )


def test_an_order_without_accounts_says_that_nothing_can_be_said() -> None:
    told = page(figures(members=()))
    assert "How far the order was followed is therefore not known." in told.words
    assert "The order's list is empty." in told.words
    assert told.titles == []
    assert "accounts" not in told.tables
    assert "The whole list was unchecked" not in told.words


def test_an_order_without_a_deadline_has_none() -> None:
    told = page(figures(replace(ORDER, deadline_at=None)))
    assert "No deadline is recorded for this order." in told.words
    assert 'class="deadline"' not in curve_svg(figures(replace(ORDER, deadline_at=None)))


def test_a_moment_before_the_order_has_a_report_that_claims_nothing() -> None:
    found = figures(at=minutes(-30))
    told = page(found)
    assert "The figures cover 31 Jan 2021, 23:30 UTC to 31 Jan 2021, 23:30 UTC." in told.words
    assert "of the time was not checked" not in told.words
    assert [row[0] for row in told.tables["steps"].rows] == ["31 Jan 2021, 23:30 UTC"]


def stated(number: int, text: CauseText, about: CauseSubject) -> StatedCause:
    return StatedCause(
        cause_id=number,
        supersedes=None,
        is_withdrawn=False,
        subject=about,
        text=text,
        document=None,
        recorded_at=NOW,
        recorded_by="ada",
    )


def test_causes_of_posts_have_a_table_of_their_own() -> None:
    post = POSTS[0].account_id
    causes = {int(post): [stated(1, PAPER, CauseSubject(account_id=post))]}
    found = figures(members=(*MEMBERS, *POSTS), papers=OrderRecord(causes=causes))
    told = Page(report_html(found, grounds(found.members), IMPRINT))
    (statement,) = told.tables["causes"].rows
    assert statement[0] == "1 post"
    assert statement[1].startswith("The platform's terms (Section 69A IT Act), according to the press")
    assert [row[:2] for row in told.tables["causes-of"].rows] == [["Not known", ""]]
    assert [[*row[:2], number(row[2])] for row in told.tables["causes-of-posts"].rows] == [
        ["The platform's terms", "Reported", 1]
    ]


def test_an_order_without_causes_says_that_none_is_known() -> None:
    assert "Cause: not known. Nobody has recorded one." in page(figures()).words


def test_the_report_says_which_entry_of_the_chain_was_the_newest() -> None:
    told = page(figures())
    assert "0" * 64 in told.words
    nothing = replace(grounds(), newest=None, heads=())
    assert "the chain has no head" in Page(report_html(figures(), nothing, IMPRINT)).words


def test_silences_of_the_whole_list_are_those_of_the_curve() -> None:
    gap = Gap(minutes(300), minutes(420))
    both = [member(n, (0, AVAILABLE), gaps=(gap,)) for n in (1, 2)]
    found = figures(members=both)
    quiet = silences(found)
    assert (quiet.times, quiet.total, quiet.longest) == (1, 120 * MINUTE, (minutes(300), minutes(420)))
    assert quiet.unread == 2 * 120 * MINUTE
    assert quiet.whole == 2 * 990 * MINUTE
    said = " ".join(coverage_words(found, grounds(both), 16 * MINUTE))
    assert "The whole list was unchecked once, for 2 h, from 1 Feb 2021, 05:00 UTC to" in said
    assert "Added up over all accounts, 12 % of the time was not checked." in said
    one = figures(members=[both[0], member(3, (0, AVAILABLE))])
    assert silences(one).longest is None
    assert "At every moment, at least one account of the list counted as checked." in coverage_words(
        one, grounds(), 16 * MINUTE
    )


def test_lanes_are_drawn_of_all_up_to_some_hundreds_and_then_of_those_ever_blocked() -> None:
    few = [member(n, (0, AVAILABLE)) for n in range(1, ALL_UP_TO - 1)]
    blocked = [member(9_000 + n, (0, AVAILABLE), (200, WITHHELD_IN)) for n in range(3)]

    def lanes(members: list[Any]) -> tuple[str, list[str]]:
        found = figures(members=members)
        made = lanes_of(found, by_first_block(members, ORDER.issued_at))
        return made.note, [str(f) for f in made.figures]

    note, drawn = lanes(few[: NAMED_UP_TO - 3] + blocked)
    assert "numbers" not in note
    assert "1 @account_9000" in drawn[0]
    note, drawn = lanes(few[: ALL_UP_TO - 3] + blocked)
    assert note.endswith("The numbers match the table below.")
    assert len(drawn) == 2
    assert f"Accounts 201 to {ALL_UP_TO}" in drawn[1]
    note, drawn = lanes([*few, *blocked])
    assert note == (
        "Only accounts seen blocked since the order are drawn (3), earliest block first. Not drawn: "
        f"{ALL_UP_TO - 2:,}. The table below lists all."
    )
    assert len(drawn) == 1


def test_what_may_be_the_owners_deletion_has_not_the_colour_of_a_block() -> None:
    flags = frozenset({Flag.SUSPENDED_OR_DELETED})
    gone = member(1, (0, AVAILABLE), (200, SUSPENDED), platform=MASTODON, flags=flags)
    lanes = lanes_of(figures(members=[gone]), [gone])
    assert "k-suspended_or_deleted" in lanes.figures[0]
    assert 'class="k-suspended"' not in lanes.figures[0]
    assert [name for _, name in lanes.kinds] == ["Suspended or deleted", "Available", "Change window"]
