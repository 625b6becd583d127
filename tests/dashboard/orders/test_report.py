"""The report on an order: the same numbers as everywhere, nothing from outside, nothing that was not seen."""

import asyncio
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from dashboard.orders.facts import OrderFigures, OrderRecord
from dashboard.orders.report import OrderReport
from dashboard.orders.report_html import report_html
from dashboard.orders.report_lanes import ALL_UP_TO, NAMED_UP_TO, lanes_of
from jobs.base.pdf import PdfError, find_chromium
from storage.model.core.availability import Flag
from storage.model.core.orders import NameOutcome, OrderCheck, OrderDocument, OrderName
from storage.model.orders.cohort import by_first_block
from storage.postgres.pool import open_pool, transaction
from tests.support.clients.browser import FULL_CHROMIUM
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.clients.report_text import Page
from tests.support.samples.orders import (
    IMPRINT,
    MEMBERS,
    ORDER,
    figures,
    grounds,
    member,
    renamed,
)
from tests.support.samples.readings import AVAILABLE, SUSPENDED, WITHHELD_IN, minutes
from tests.support.seeds.live_page import seed

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


def test_a_moment_before_the_order_has_a_report_that_claims_nothing() -> None:
    found = figures(at=minutes(-30))
    told = page(found)
    assert "The figures cover 31 Jan 2021, 23:30 UTC to 31 Jan 2021, 23:30 UTC." in told.words
    assert "of the time was not checked" not in told.words
    assert [row[0] for row in told.tables["steps"].rows] == ["31 Jan 2021, 23:30 UTC"]


def test_the_report_says_which_entry_of_the_chain_was_the_newest() -> None:
    told = page(figures())
    assert "0" * 64 in told.words
    nothing = replace(grounds(), newest=None, heads=())
    assert "the chain has no head" in Page(report_html(figures(), nothing, IMPRINT)).words


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


needs_chromium = pytest.mark.skipif(
    not FULL_CHROMIUM.exists(), reason=f"needs a Chromium at {FULL_CHROMIUM}; TEST_CHROMIUM names another"
)


@pytest.fixture
def run(
    dsn: str,
    now: datetime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", dsn)
    monkeypatch.setenv("BLOCKLINE_SWEEP_EVERY", "30m")

    async def seeded() -> None:
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            await seed(conn, now)

    asyncio.run(seeded())
    return blockline(capsys)


def at(now: datetime) -> tuple[str, str]:
    return "--at", now.isoformat()


def test_links_lead_to_an_address_that_others_reach(
    run: Blockline, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKLINE_DASHBOARD_URL", "https://desk.example")
    assert run("report", "SYN/1", *at(now), "--output", "one.html").code == 0
    links = {a["href"] for tag, a in Page(Path("one.html").read_text()).tags if tag == "a"}
    assert len(links) == 12
    assert all(link.startswith("https://desk.example/account/") for link in links)


@pytest.mark.parametrize(
    ("rule", "arguments", "complaint"),
    [
        ("an order that is not on file", ["SYN/9"],
         "There is no order with the reference or the number SYN/9."),
        ("an order that was not known then", ["SYN/1", "--as-known-at", "2020-01-01T00:00:00Z"],
         "There is no order with the reference or the number SYN/1 that was stored by 2020-01-01 00:00 UTC."),
        ("another kind of file", ["SYN/1", "--output", "one.docx"],
         "one.docx: the name of a report must end with .html or .pdf."),
        ("a moment that is no moment", ["SYN/1", "--at", "then"],
         "--at: 'then' is not a time; write it like 2021-02-01T06:30:00Z."),
        ("a folder that is not there", ["SYN/1", "--output", "none/one.html"],
         "none/one.html cannot be written: the folder none does not exist."),
    ],
)  # fmt: skip
def test_what_cannot_be_reported_is_refused_with_a_sentence(
    run: Blockline, rule: str, arguments: list[str], complaint: str
) -> None:
    ran = run("report", *arguments)
    assert (ran.code, ran.out, ran.complaints) == (1, "", [complaint]), rule
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("rule", "script", "why"),
    [
        ("a browser that fails", "echo 'no display' >&2; exit 3",
         "did not make a PDF (exit code 3): no display"),
        ("one that writes nothing", "exit 0", "did not make a PDF (exit code 0)."),
        ("one that writes something else",
         'for a; do case $a in --print-to-pdf=*) echo hello > "${a#*=}";; esac; done',
         "did not make a PDF (exit code 0)."),
    ],
)  # fmt: skip
def test_a_pdf_is_whole_or_not_at_all(
    run: Blockline, now: datetime, monkeypatch: pytest.MonkeyPatch, rule: str, script: str, why: str
) -> None:
    browser = Path("browser").absolute()
    browser.write_text(f"#!/bin/sh\n{script}\n")
    browser.chmod(0o755)
    monkeypatch.setenv("BLOCKLINE_CHROMIUM", str(browser))
    ran = run("report", "SYN/1", *at(now), "--output", "one.pdf")
    assert (ran.code, ran.out, ran.complaints) == (1, "", [f"{browser} {why}"]), rule
    assert list(Path().iterdir()) == [Path("browser")]


def test_without_a_browser_there_is_no_pdf_and_a_sentence_that_says_what_to_do(
    run: Blockline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKLINE_CHROMIUM", str(tmp_path / "nothing"))
    ran = run("report", "SYN/1", "--output", "one.pdf")
    assert ran.complaints == [
        f"A PDF needs Chromium, and {tmp_path / 'nothing'} (setting chromium) is not a program that can be "
        "run. Set the setting chromium to the path of the browser."
    ]
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        PdfError,
        match=r"which was not found on this machine\. Install Chromium, set the setting chromium to its path",
    ):
        find_chromium(None)
    # What is made for people comes before the program that has no windows.
    for name in ("chromium-headless-shell", "google-chrome"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
        assert find_chromium(None) == tmp_path / name


@pytest.mark.slow
@needs_chromium
def test_a_pdf_has_pages_and_the_whole_report(
    run: Blockline, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKLINE_CHROMIUM", str(FULL_CHROMIUM))
    ran = run("report", "SYN/2", *at(now), "--output", "one.pdf")
    assert (ran.code, ran.err) == (0, "")
    made = Path("one.pdf").read_bytes()
    assert made.startswith(b"%PDF-")
    assert made.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type\s*/Page\b", made)) > 2
    assert [p.name for p in Path().iterdir()] == ["one.pdf"]
