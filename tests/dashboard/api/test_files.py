"""Files over the API are those of the command line: evidence packs, and reports as HTML and PDF."""

import asyncio
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest

from dashboard.asgi.problem_json import API
from dashboard.auth.access import acting_as
from jobs.runtime.file_maker import CommandLineFiles
from storage.model.core.people import Actor, Role, Scope
from storage.postgres.pool import Pool, transaction
from storage.purge.purge import purge_account
from tests.support.clients.api import Api, api_served
from tests.support.clients.browser import CHROMIUM
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.seeds.chain_rows import block_of
from tests.support.seeds.live_page import seed
from tests.support.seeds.people import WITH_LOGIN, a_person, a_token
from tests.support.servers.dashboard import SETTINGS, page_of, served

needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"needs a Chromium at {CHROMIUM}; TEST_CHROMIUM names another"
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    return blockline(capsys)


async def test_a_downloaded_pack_verifies_like_one_of_the_command_line(
    pool: Pool, dsn: str, now: datetime, tmp_path: Path, run: Blockline
) -> None:
    async with transaction(pool) as conn:
        account, change_id = await block_of(conn)
        shown: list[str] = []
        for role in (Role.VIEWER, Role.ANALYST):
            with acting_as(Actor("ada", role)):
                page = await page_of(conn, f"/account/{account.account_id}", now, SETTINGS, "light")
                shown.append(repr(page))
    address = f"{API}/changes/{change_id}/evidence-pack"
    assert [f"href='{address}'" in page for page in shown] == [False, True]
    async with served(pool, dsn, now) as base, aiohttp.ClientSession() as session:
        async with session.get(base + address) as answer:
            content = await answer.read()
            assert (answer.status, answer.content_type) == (200, "application/zip")
            assert f"blockline-evidence-{change_id}.zip" in answer.headers["Content-Disposition"]
        async with session.get(f"{base}{API}/changes/999/evidence-pack") as answer:
            assert (answer.status, (await answer.json())["detail"]) == (404, "There is no change 999.")
    (tmp_path / "pack.zip").write_bytes(content)
    checked = await asyncio.to_thread(run, "evidence", "verify", "pack.zip")
    assert (checked.code, checked.err) == (0, "")
    assert checked.said[-1].startswith("pack.zip verifies")


async def test_packs_take_an_analyst_and_a_token_that_writes(pool: Pool, dsn: str, now: datetime) -> None:
    async with transaction(pool) as conn:
        _, change_id = await block_of(conn)
    for role in (Role.VIEWER, Role.ANALYST):
        await a_person(pool, role.value, role, now)
    told: dict[str, int] = {}
    async with served(pool, dsn, now, WITH_LOGIN) as base, aiohttp.ClientSession() as session:
        for who, scope in (("viewer", Scope.ADMIN), ("analyst", Scope.READ), ("analyst", Scope.WRITE)):
            api = Api(base, session, await a_token(pool, who, scope, now))
            async with session.get(
                f"{base}{API}/changes/{change_id}/evidence-pack",
                headers={"Authorization": f"Bearer {api.token}"},
            ) as answer:
                told[f"{who} {scope.value}"] = answer.status
    assert told == {"viewer admin": 403, "analyst read": 403, "analyst write": 200}


async def test_no_more_than_two_packs_are_made_at_once(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        _, change_id = await block_of(conn)
    files = CommandLineFiles()
    made = await asyncio.gather(
        *(files.evidence_pack(pool, change_id, now) for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in made) == ["FileMakerBusy", "MadeFile", "MadeFile"]


async def test_a_pack_of_a_purged_change_is_refused_in_one_sentence(
    pool: Pool, dsn: str, now: datetime
) -> None:
    async with transaction(pool) as conn:
        account, change_id = await block_of(conn)
        await purge_account(conn, account.account_id, now, whole=True)
    async with api_served(pool, dsn, now) as api:
        answer = await api.get(f"/changes/{change_id}/evidence-pack")
    assert (answer.status, answer.detail) == (404, f"There is no change {change_id}.")


@needs_chromium
async def test_the_report_is_also_a_pdf_on_the_page_of_the_order_and_over_the_api(
    pool: Pool, dsn: str, now: datetime
) -> None:
    async with transaction(pool) as conn:
        await seed(conn, now)
        number = await conn.fetchval("select order_id from legal_order where reference = 'SYN/1'")
        page = repr(await page_of(conn, f"/orders/{number}", now, SETTINGS, "light"))
    assert f"href='/orders/{number}/report.pdf'" in page
    async with served(pool, dsn, now) as base, aiohttp.ClientSession(base) as session:
        for address, ending in (
            (f"/orders/{number}/report.pdf", "pdf"),
            (f"{API}/orders/{number}/report?format=pdf", "pdf"),
            (f"{API}/orders/{number}/report", "html"),
        ):
            async with session.get(address) as answer:
                content = await answer.read()
                assert answer.status == 200, content
                assert answer.headers["Content-Disposition"].endswith(f'.{ending}"')
                assert content.startswith(b"%PDF-" if ending == "pdf" else b"<!DOCTYPE html>")
        async with session.get("/orders/999/report.pdf") as answer:
            assert (answer.status, await answer.json()) == (404, {"error": "There is no such order."})


async def test_without_a_browser_the_refusal_says_what_to_do(tmp_path: Path) -> None:
    files = CommandLineFiles(chromium=tmp_path / "none")
    with pytest.raises(Exception, match="Set the setting chromium to the path of the browser"):
        await files.pdf("<p>a report</p>")


async def test_one_pdf_is_made_at_a_time_also_when_its_reader_is_gone(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nsleep 2\n")
    slow.chmod(0o755)
    files = CommandLineFiles(chromium=slow, pdf_within_s=0.5)
    first = asyncio.ensure_future(files.pdf("<p>one</p>"))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(Exception, match="Another PDF is being made"):
        await files.pdf("<p>two</p>")
