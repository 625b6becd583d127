"""The report as users get it: from the server, from the command line, as a file, as a PDF."""

import asyncio
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from jobs.base.pdf import PdfError, find_chromium
from storage.postgres.pool import Pool, open_pool, transaction
from tests.support.clients.browser import FULL_CHROMIUM
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.clients.report_text import Page
from tests.support.seeds.changes import Story
from tests.support.seeds.live_page import seed
from tests.support.servers.dashboard import SETTINGS, page_of, served

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


async def test_the_button_downloads_the_figures_of_the_page(
    pool: Pool, dsn: str, story: Story, now: datetime
) -> None:
    async with transaction(pool) as conn:
        number = await conn.fetchval("select order_id from legal_order where reference = 'SYN/1'")
        shown = await page_of(conn, f"/orders/{number}", now, SETTINGS, "light")
    assert f"href='/orders/{number}/report.html'" in repr(shown)
    then = story.at(0.5).isoformat().replace("+00:00", "Z")
    async with served(pool, dsn, now) as base, aiohttp.ClientSession(base) as session:
        async with session.get(f"/orders/{number}/report.html?at={then}") as answer:
            html = await answer.text()
        async with session.get(f"/api/orders/{number}?at={then}") as api:
            told: Any = await api.json()
        for asked, status in (("999/report.html", 404), (f"{number}/report.html?at=2099-01-01T00:00Z", 422)):
            async with session.get(f"/orders/{asked}") as refused:
                assert refused.status == status
                assert "error" in await refused.json()
    assert answer.status == 200
    disposition = answer.headers["Content-Disposition"]
    assert re.fullmatch(r'attachment; filename="report-SYN-1-2021-\d\d-\d\d\.html"', disposition)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    report = Page(html)
    assert "Synthetic scenario" in report.words
    funnel = {row[0]: int(row[1]) for row in report.tables["funnel"].rows}
    assert funnel["Ever blocked"] == told["funnel"]["ever_blocked"]
    assert funnel["Blocked now"] == told["funnel"]["blocked_now"]
    assert len(report.tables["accounts"].rows) == len(told["accounts"])


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
