"""Files over the API are those of the command line: evidence packs, and reports as HTML and PDF."""

import asyncio
import socket
import zipfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from dashboard.api.exports import AT_ONCE
from dashboard.asgi.problem_json import API
from dashboard.auth.access import acting_as
from jobs.evidence.pack_collection import COLLECTION, collection, write_collection
from jobs.runtime.file_maker import CommandLineFiles
from storage.changes.evidence_collection import PackSubject, PackSubjectKind
from storage.countries.label_evidence import label_evidence
from storage.model.core.people import Actor, Role
from storage.postgres.pool import Pool, connect, transaction
from tests.support.clients.api import Api, api_served
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.samples.label_signing import POST, stated, store
from tests.support.samples.readings import minutes
from tests.support.seeds.chain_rows import block_of
from tests.support.seeds.large_database import Size, build
from tests.support.servers.dashboard import SETTINGS, page_of, served, until


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    return blockline(capsys)


async def test_the_evidence_of_a_label_can_be_downloaded_and_verified(
    pool: Pool, dsn: str, now: datetime, tmp_path: Path, run: Blockline
) -> None:
    await store(pool, stated(POST), stated(POST, minutes(1), negated=True))
    async with transaction(pool) as conn:
        labels = (await label_evidence(conn, POST, 9)).labels
        shown: list[str] = []
        for role in (Role.VIEWER, Role.ANALYST):
            with acting_as(Actor("ada", role)):
                shown.append(repr(await page_of(conn, "/countries/TR/labels", now, SETTINGS, "light")))
    address = f"{API}/labels/{labels[-1].label_id}/evidence-pack"
    assert [f"href='{address}'" in page for page in shown] == [False, True]
    async with served(pool, dsn, now) as base, aiohttp.ClientSession() as session:
        async with session.get(base + address) as answer:
            content = await answer.read()
            assert (answer.status, answer.content_type) == (200, "application/zip")
            assert (
                f"blockline-evidence-label-{labels[-1].label_id}.zip" in answer.headers["Content-Disposition"]
            )
        async with session.get(f"{base}{API}/labels/999/evidence-pack") as answer:
            assert (answer.status, (await answer.json())["detail"]) == (404, "There is no label 999.")
    (tmp_path / "labels.zip").write_bytes(content)
    checked = await asyncio.to_thread(run, "evidence", "verify", "labels.zip")
    # The log of the simulated labeler is not signed, so whose keys they are is left open.
    assert (checked.code, [line for line in checked.said if line.startswith("FAILED")]) == (1, [])
    assert checked.complaints == ["labels.zip is not fully verified: 3 checks could not be completed."]


async def test_no_more_than_two_packs_are_made_at_once(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        _, change_id = await block_of(conn)
    files = CommandLineFiles()
    made = await asyncio.gather(
        *(files.evidence_pack(pool, change_id, now) for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in made) == ["FileMakerBusy", "MadeFile", "MadeFile"]


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


async def test_a_change_that_cannot_be_proved_is_named_and_a_file_that_was_altered_does_not_verify(
    pool: Pool, now: datetime, tmp_path: Path, run: Blockline
) -> None:
    async with transaction(pool) as conn:
        account, change_id = await block_of(conn)
    subject = PackSubject(PackSubjectKind.ACCOUNT, account.account_id)

    async def made(name: str) -> Path:
        with (tmp_path / name).open("wb") as file:
            await write_collection(await collection(pool, subject, now), file.write)
        return tmp_path / name

    whole = await made("whole.zip")
    full = await collection(pool, subject, now, most_bytes=whole.stat().st_size * 2 // 3)
    await write_collection(full, lambda _: None)
    assert 0 < len(full.left_out) < full.changes
    assert {one.why for one in full.left_out} == {"The file is full. Choose a shorter period for its pack."}
    async with transaction(pool) as conn:
        await conn.execute("alter table chain disable trigger user")
        await conn.execute("delete from chain where change_id = $1", change_id)
    await made("less.zip")
    less = await collection(pool, subject, now)
    await write_collection(less, lambda _: None)
    assert change_id in [one.change_id for one in less.left_out]
    checked = await asyncio.to_thread(run, "evidence", "verify", "less.zip")
    lost = f"Change {change_id} has no pack: The hash chain has no entry for change {change_id}"
    assert any(lost in line for line in checked.said)
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(tmp_path / "cut.zip", "w") as cut:
        cut.writestr(COLLECTION, archive.read(COLLECTION))
    refused = await asyncio.to_thread(run, "evidence", "verify", "cut.zip")
    assert refused.code == 1
    assert any(line.startswith("FAILED") and line.endswith(".zip is missing.") for line in refused.said)
    (tmp_path / "half.zip").write_bytes(whole.read_bytes()[:2000])
    halved = await asyncio.to_thread(run, "evidence", "verify", "half.zip")
    assert (halved.code, halved.err.strip()) == (1, "half.zip is not a complete zip file.")


LARGE = Size(accounts=1_200, days=3, cohort=1_178, cohort_changes=10, other_changes=20, sweeps_of_all=3)
"""So many changes that their rows fit into no buffer on the way."""


@contextmanager
def _silent_reader(base: str) -> Generator[socket.socket]:
    """Asks for an export and takes nothing of it."""
    where = urlsplit(base)
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect((where.hostname, where.port))
        reader.sendall(
            f"GET {API}/export/changes HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n\r\n".encode()
        )
        yield reader


@asynccontextmanager
async def _large(pool: Pool, dsn: str) -> AsyncGenerator[Api]:
    conn = await connect(dsn)
    try:
        await build(conn, LARGE)
    finally:
        await conn.close()
    async with api_served(pool, dsn, LARGE.until) as api:
        yield api


@pytest.mark.slow
async def test_one_export_too_many_is_asked_to_come_back_and_who_goes_makes_room(
    pool: Pool, dsn: str, now: datetime
) -> None:
    async with _large(pool, dsn) as api:
        busy = pool.get_size() - pool.get_idle_size()

        async def held() -> bool:
            return pool.get_size() - pool.get_idle_size() >= busy + AT_ONCE

        async def free() -> bool:
            return (await api.get("/export/lists")).status == 200

        with _silent_reader(api.base):
            with _silent_reader(api.base):
                await until(held)
                refused = await api.get("/export/lists")
                others = await api.get("/accounts", limit=1)
            await until(free)
        await until(free)

        async def back() -> bool:
            return pool.get_size() - pool.get_idle_size() <= busy  # something else may have had one

        await until(back)

    assert refused.status == 503
    assert refused.detail == f"{AT_ONCE} exports are already running. Try again when one has finished."
    assert refused.headers["retry-after"] == "5"
    assert others.status == 200


@pytest.mark.slow
async def test_an_export_that_breaks_off_is_told_from_a_whole_one(pool: Pool, dsn: str) -> None:
    async with _large(pool, dsn) as api:
        whole = await api.get("/export/changes")
        async with api.session.get(f"{api.base}{API}/export/changes", read_bufsize=4096) as response:
            await response.content.readany()
            admin = await connect(dsn)
            await admin.execute(
                """
                select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid()
                """
            )
            await admin.close()
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.content.read()

    assert whole.text.endswith("}\n")
