"""The report on an order: the same numbers as everywhere, nothing from outside, nothing that was not seen."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from dashboard.orders import words as order_words
from dashboard.orders.charts import lanes_figure
from dashboard.orders.facts import OrderFigures, OrderRecord
from dashboard.orders.order_json import order_json
from dashboard.orders.report import OrderReport
from dashboard.orders.report_html import RestorationSection, css_text, report_html
from dashboard.orders.report_lanes import ALL_UP_TO, NAMED_UP_TO, lanes_of
from dashboard.orders.report_svg import curve_svg, described
from dashboard.orders.report_words import CONFIRMATION, blocked_words, coverage_words, silences, within
from dashboard.ui import words
from jobs.detect.confirmation import ConfirmationRule
from storage.model.causes.causes import (
    CauseKind,
    CauseSource,
    CauseSubject,
    CauseText,
    Confidence,
    StatedCause,
)
from storage.model.core.availability import Flag
from storage.model.core.coverage import Gap
from storage.model.core.late import gap_after
from storage.model.core.orders import NameOutcome, OrderCheck, OrderDocument, OrderName
from storage.model.orders.cohort import CohortPart, Kind, blocked_times, by_first_block
from storage.model.orders.curve import step_at
from tests.storage.causes.test_ledger import PAPER
from tests.support.clients.report_text import Page
from tests.support.samples.orders import (
    GAP,
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
PAPERS = OrderRecord((NAME,), (CHECK,), (DOCUMENT,))


def page(found: OrderFigures, **imprint: Any) -> Page:
    return Page(report_html(found, grounds(found.cohort.members), replace(IMPRINT, **imprint)))


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


def test_every_number_of_the_report_is_the_one_of_the_api() -> None:
    found = figures(papers=PAPERS)
    told = page(found)
    told_there: Any = order_json(found)
    funnel = {row[0]: number(row[1]) for row in told.tables["funnel"].rows}
    assert funnel == {
        "Named": told_there["funnel"]["named"],
        "Names recorded": told_there["funnel"]["names_on_file"],
        "On its list": told_there["funnel"]["on_its_list"],
        "Watched": told_there["funnel"]["watched"],
        "Read": told_there["funnel"]["read"],
        "Ever blocked": told_there["funnel"]["ever_blocked"],
        "Blocked now": told_there["funnel"]["blocked_now"],
        "Restored": told_there["funnel"]["restored"],
        "Gone since": told_there["funnel"]["gone_since"],
        "Never seen blocked": told_there["funnel"]["read"] - told_there["funnel"]["ever_blocked"],
    }
    kinds = told.tables["kinds"]
    assert [
        (marked["data-kind"], number(row[1]), 0 if row[4] == "none" else number(row[4]))
        for marked, row in zip(kinds.attributes, kinds.rows, strict=True)
    ] == [(k["kind"], k["count"], k["last_known_only"]) for k in told_there["kinds"]]
    for sentence in told_there["sentences"]:
        assert sentence in told.words
    assert [row[2] for row in told.tables["claims"].rows] == [
        words.range_words(c["observed_low"], c["observed_high"]) for c in told_there["claims"]
    ]
    assert [row[1] for row in told.tables["documents"].rows] == [d["sha256"] for d in told_there["documents"]]
    assert [row[1] for row in told.tables["probes"].rows] == [
        p["from"] for p in told_there["seen_by_others"]["looks"]
    ]


def test_the_curve_in_numbers_is_the_curve_of_the_api_at_those_moments() -> None:
    found = figures()
    rows = page(found).tables["steps"].rows
    everything: Any = order_json(found)
    last = everything["curve"][-1]
    told = [number(cell) for cell in rows[-1][1:]]
    names = ("blocked", "at_least", "at_most", "withheld", "suspended", "not_checked")
    assert told == [last[name] for name in names]
    first = step_at(found.steps, found.steps[0].at)
    assert first is not None
    assert number(rows[0][1]) == first.blocked
    assert [row[0] for row in rows] == ["1 Feb 2021, 00:10 UTC", "1 Feb 2021, 16:40 UTC"]


def test_every_account_is_there_with_each_time_in_which_it_was_blocked() -> None:
    found = figures()
    table = page(found).tables["accounts"]
    everything: Any = order_json(found)
    accounts: dict[int, Any] = {a["account_id"]: a for a in everything["accounts"]}
    assert {int(t["data-account"]) for t in table.attributes} == set(accounts)
    for marked, (_, who, kind, blocked, changes) in zip(table.attributes, table.rows, strict=True):
        account = accounts[int(marked["data-account"])]
        assert who == f"@{account['handle']}"
        assert kind == order_words.kind(Kind(account["kind"]), "IN")
        begun = sum(b["not_before"] is not None for b in account["blocked"])
        assert blocked.count("Began") == begun
        assert blocked.count("Blocked at the first reading") == len(account["blocked"]) - begun
        assert blocked.count("no end was seen") == sum(b["seen_ended"] is None for b in account["blocked"])
        assert len(changes.split(", ")) >= len(account["blocked"])
        assert (changes == "") == (account["kind"] == "never_read")


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


@pytest.mark.parametrize(
    ("rule", "account_id", "words"),
    [
        ("one that lasts was not seen to end", 2,
         ["Began 1 Feb 2021, between 03:05 and 03:20 UTC; no end was seen."]),
        ("an end has an interval of its own", 3,
         ["Began 1 Feb 2021, between 03:05 and 03:20 UTC; ended 1 Feb 2021, between 08:05 and 08:20 UTC, "
          "then available."]),
        ("what is gone is not called back", 5,
         ["Began 1 Feb 2021, between 03:15 and 03:30 UTC; ended 1 Feb 2021, between 08:05 and 08:20 UTC, "
          "then not found."]),
        ("what was so at the first reading has no beginning", 6,
         ["Blocked at the first reading, 1 Feb 2021, 00:00 UTC, so its beginning is not known; "
          "no end was seen."]),
        ("who was never blocked has no such time", 1, []),
    ],
)  # fmt: skip
def test_a_time_in_which_an_account_was_blocked(rule: str, account_id: int, words: list[str]) -> None:
    found = blocked_times(MEMBERS[account_id - 1], ORDER.issued_at)
    assert [blocked_words(b, "IN") for b in found] == words, rule


def test_the_page_stands_by_itself() -> None:
    found = figures(papers=PAPERS)
    html = report_html(found, grounds(), replace(IMPRINT, dashboard_url="https://desk.example"))
    told = Page(html)
    assert not {"script", "img", "link", "iframe", "object", "use", "image"} & {tag for tag, _ in told.tags}
    loaded = [a for tag, a in told.tags if tag != "a" and {"src", "href", "xlink:href"} & a.keys()]
    assert loaded == []
    assert not any(name.startswith("on") for _, a in told.tags for name in a)
    assert "@import" not in told.styles
    assert set(re.findall(r"url\(([^)]*)\)", html)) == set(re.findall(r"url\((#[\w-]+)\)", html))
    links = {a["href"] for tag, a in told.tags if tag == "a"}
    assert links == {f"https://desk.example/account/{m.account_id}" for m in MEMBERS}
    policy = next(a["content"] for _, a in told.tags if a.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_without_an_address_of_the_dashboard_nothing_is_linked() -> None:
    assert not [a for tag, a in page(figures()).tags if tag == "a"]


def test_what_the_figures_refer_to_is_there_and_once() -> None:
    html = report_html(figures(), grounds(), IMPRINT)
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= set(ids)
    told = Page(html)
    for tag, given in told.tags:
        if tag == "svg" and "role" in given:
            assert set(given["aria-labelledby"].split()) <= set(ids)
    assert told.titles == ["Share of its accounts blocked, over time", "Accounts 1 to 8, one lane each"]


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


def test_a_text_in_the_style_sheet_cannot_end_its_string() -> None:
    assert css_text('"\n}') == "\\000022\\00000a\\00007d"


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("IN-69A-2021-02-04", "report-IN-69A-2021-02-04-2021-02-01.pdf"),
        ("F. No. 1/2 (a)", "report-F.-No.-1-2--a-2021-02-01.pdf"),
        ("../../etc/passwd", "report-etc-passwd-2021-02-01.pdf"),
        ("आदेश", "report-order-7-2021-02-01.pdf"),
    ],
)
def test_a_file_is_called_after_its_order_and_lies_where_it_should(reference: str, name: str) -> None:
    found = figures(replace(ORDER, reference=reference))
    assert OrderReport(found, grounds(), IMPRINT).name(".pdf") == name


def test_what_is_invented_says_so_in_its_title_at_its_head_and_on_every_page() -> None:
    for synthetic in (True, False):
        told = page(figures(), synthetic=synthetic)
        assert ("Synthetic scenario" in told.words) is synthetic
        assert ("SYNTHETIC SCENARIO" in told.styles) is synthetic


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


def test_a_deadline_that_has_not_come_yet_is_not_judged() -> None:
    told = page(figures(replace(ORDER, deadline_at=NOW + MINUTE)))
    assert "The deadline, 1 Feb 2021, 16:41 UTC, had not been reached." in told.words


def test_a_moment_before_the_order_has_a_report_that_claims_nothing() -> None:
    found = figures(at=minutes(-30))
    told = page(found)
    assert "The figures cover 31 Jan 2021, 23:30 UTC to 31 Jan 2021, 23:30 UTC." in told.words
    assert "of the time was not checked" not in told.words
    assert [row[0] for row in told.tables["steps"].rows] == ["31 Jan 2021, 23:30 UTC"]


def test_a_disputed_date_stays_a_range() -> None:
    order = replace(ORDER, issued_from=minutes(-2_000), issued_to=minutes(90))
    told = page(figures(order))
    assert "the date is disputed: sources say between 30 Jan 2021 and 1 Feb 2021" in told.words


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


def test_each_stated_cause_is_there_with_its_source_and_how_many_it_is_about() -> None:
    blocked = [m.account_id for m in figures().parts[CohortPart.EVER_BLOCKED]]
    notice = CauseText(
        CauseKind.GOVERNMENT_ORDER,
        CauseSource.PLATFORM_NOTICE,
        "",
        "Section 69A IT Act",
        f"{HOSTILE}.eml",
        minutes(0),
        Confidence.PLATFORM,
    )
    paper = replace(notice, kind=CauseKind.COURT_RULING, said_by=CauseSource.PRESS, speaker="A paper")
    paper = replace(paper, confidence=Confidence.REPORTED, source="a.html", disputed_by="the ministry")
    causes = {int(n): [stated(n, notice, CauseSubject(account_id=n))] for n in blocked[:-1]}
    own = (stated(900, paper, CauseSubject(order_id=1)),)
    found = figures(papers=OrderRecord(causes=causes, own_causes=own))
    told = page(found)
    (of_order, first), (of_accounts, second) = told.tables["causes"].rows
    assert (of_order, of_accounts) == ("The order", f"{len(causes)} account{'s' if len(causes) > 1 else ''}")
    assert first.startswith("A court ruling (Section 69A IT Act), according to the press (A paper) of 1 Feb")
    assert first.endswith("a.html; reported; disputed by the ministry.")
    assert second.startswith("An order of a government (Section 69A IT Act), according to the platform's")
    assert not {"script", "img"} & {tag for tag, _ in told.tags}
    shares = [[row[0], row[1], number(row[2])] for row in told.tables["causes-of"].rows]
    assert shares == [
        ["An order of a government", "Stated by the platform", len(causes)],
        ["Not known", "", 1],
    ]
    lanes: Any = lanes_figure(found, found.cohort.members, "light")
    hovers = {words for trace in lanes.data for words in trace.customdata}
    assert any(
        "Cause: an order of a government (Section 69A IT Act), stated by the platform" in w for w in hovers
    )
    assert any("Cause: not known" in w for w in hovers)
    assert not any("Cause" in w for w in hovers if w.startswith("available"))


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


def test_an_order_without_papers_says_that_there_are_none() -> None:
    told = page(figures(events=()))
    assert "No claim with a number is recorded for this order." in told.words
    assert "No notice, statement or ruling is recorded." in told.words
    assert "No document is attached to the order." in told.words
    assert "No outside check of these accounts is recorded." in told.words


def test_the_time_to_restoration_is_left_out_where_it_was_not_worked_out() -> None:
    assert "Time to restoration" not in page(figures()).words
    section = RestorationSection(
        "account", ("Half were back after 5 h.",), ("Share", "After"), (("half", "5 h"),)
    )
    told = Page(report_html(figures(), grounds(), IMPRINT, [section]))
    assert "Half were back after 5 h." in told.words
    assert ["half", "5 h"] in [row for table in told.tables.values() for row in table.rows]


def test_the_report_says_which_entry_of_the_chain_was_the_newest() -> None:
    told = page(figures())
    assert "0" * 64 in told.words
    nothing = replace(grounds(), newest=None, heads=())
    assert "the chain has no head" in Page(report_html(figures(), nothing, IMPRINT)).words


def test_the_rule_of_confirmation_is_told_as_it_is() -> None:
    rule = ConfirmationRule()
    assert rule.offsets == (timedelta(0), MINUTE, 15 * MINUTE, 60 * MINUTE)
    assert (rule.strong_readings, rule.weak_readings, rule.cohort_discount) == (2, 4, 1)
    assert rule.cohort_window == timedelta(hours=6)
    for said in (
        "a second agreeing reading at least 1 minute after the first",
        "it takes 4 readings: the first, and others at least 1, 15 and 60 minutes after it",
        "Only 3 are needed if a change of the same list was confirmed in the 6 hours before",
    ):
        assert said in CONFIRMATION


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


def test_coverage_says_what_was_asked_and_who_was_never_read() -> None:
    said = " ".join(coverage_words(figures(), grounds(), 16 * MINUTE))
    assert (
        "requests of the regular sweep for one or more accounts on the order's list: 120 answered, 3 missed, "
        in said
    )
    assert "1 quarantined because control accounts looked wrong." in said
    assert "The median time between two answers for the same accounts was 15 min." in said
    assert "1 account on the list was never read." in said
    imported = replace(grounds(), imported=(("import:crawl", 4),))
    assert "4 from import:crawl" in " ".join(coverage_words(figures(), imported, 16 * MINUTE))


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


def test_the_curve_says_in_words_what_it_shows() -> None:
    found = figures()
    said = described(found)
    assert "of 8 accounts" in said
    high = max(s.blocked for s in found.steps)
    assert f"as read, was {high} (" in said
    assert "Issued: 1 Feb 2021, 01:40 UTC" in said
    assert said in unescape(curve_svg(found))


def test_what_is_not_checked_here_is_what_is_not_checked_on_the_page() -> None:
    assert gap_after(IMPRINT.sweep_every) == GAP
