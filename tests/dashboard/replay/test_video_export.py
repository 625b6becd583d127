"""A film of a replay: pictures go in, ffmpeg makes a file of them; within limits, one at a time."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

import aiohttp
import pytest

from dashboard.replay import video_export
from dashboard.replay.video_export import ClipFormat
from storage.model.core.people import Role
from storage.postgres.pool import Pool
from tests.support.servers.dashboard import SETTINGS, served

PICTURE = b"\xff\xd8\xff" + bytes(100)
STAND_IN = """#!{python}
import json, pathlib, sys
if "-encoders" in sys.argv:
    print(" V....D libx264   H.264\\n V....D gif   GIF")
    sys.exit()
given = sys.stdin.buffer.read()
{then}
pathlib.Path(sys.argv[-1]).write_bytes(json.dumps([sys.argv[1:], len(given)]).encode())
"""

PutProgram = Callable[[str], None]


@pytest.fixture
def put_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PutProgram:
    """Be the only program on the path: what takes the place of ffmpeg, with something to do first."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(then: str) -> None:
        program = tmp_path / "ffmpeg"
        program.write_text(STAND_IN.format(python=sys.executable, then=then))
        program.chmod(0o755)

    return put


def asks(base: str, **fields: object) -> tuple[str, dict[str, str]]:
    return f"{base}/api/replay/clip", {
        k: str(v) for k, v in {"format": "mp4", "frames": 2, "rate": 12, **fields}.items()
    }


async def test_without_ffmpeg_nothing_is_offered_and_nothing_made(
    pool: Pool, dsn: str, now: datetime, put_program: PutProgram
) -> None:
    async with served(pool, dsn, now) as base, aiohttp.ClientSession(headers={"Origin": base}) as session:
        url, fields = asks(base)
        async with session.get(url) as answer:
            assert (await answer.json())["forms"] == []
        async with session.post(url, params=fields, data=PICTURE) as answer:
            assert (answer.status, await answer.json()) == (
                422,
                {"error": "This machine has no ffmpeg. Install it to export films."},
            )


async def test_pictures_go_to_ffmpeg_within_limits_and_come_back_as_a_file(
    pool: Pool, dsn: str, now: datetime, put_program: PutProgram
) -> None:
    put_program("")
    async with served(pool, dsn, now) as base, aiohttp.ClientSession(headers={"Origin": base}) as session:
        url, fields = asks(base)
        async with session.get(url) as answer:
            assert (await answer.json())["forms"] == ["mp4", "gif"]
        async with session.post(url, params=fields, data=PICTURE * 2) as answer:
            asked, size = json.loads(await answer.read())
            assert answer.content_type == "video/mp4"
            assert answer.headers["Content-Disposition"] == 'attachment; filename="replay.mp4"'
    assert size == 2 * len(PICTURE)
    told = " ".join(asked)
    for limit in (
        "-frames:v 2",
        "-framerate 12",
        "-max_pixels",
        "-protocol_whitelist pipe,file",
        "-c:v mjpeg",
    ):
        assert limit in told


@pytest.mark.parametrize(
    ("fields", "body", "status"),
    [
        pytest.param({}, b"<svg/>", 422, id="what is no picture"),
        pytest.param({"frames": 100_000}, PICTURE, 422, id="too many pictures"),
        pytest.param({"format": "exe"}, PICTURE, 422, id="a form that is none"),
        pytest.param({}, PICTURE + bytes(video_export.MOST_BYTES), 413, id="too much"),
    ],
)
async def test_what_is_refused_never_reaches_ffmpeg(
    pool: Pool,
    dsn: str,
    now: datetime,
    put_program: PutProgram,
    tmp_path: Path,
    fields: dict[str, object],
    body: bytes,
    status: int,
) -> None:
    put_program(f"pathlib.Path({str(tmp_path / 'ran')!r}).touch()")
    async with served(pool, dsn, now) as base, aiohttp.ClientSession(headers={"Origin": base}) as session:
        url, told = asks(base, **fields)
        async with session.post(url, params=told, data=BytesIO(body)) as answer:
            assert answer.status == status
    assert not (tmp_path / "ran").exists()


async def test_what_ffmpeg_cannot_read_gets_a_sentence(
    pool: Pool, dsn: str, now: datetime, put_program: PutProgram
) -> None:
    put_program("sys.exit(1)")
    async with served(pool, dsn, now) as base, aiohttp.ClientSession(headers={"Origin": base}) as session:
        url, fields = asks(base)
        async with session.post(url, params=fields, data=PICTURE) as answer:
            assert (answer.status, await answer.json()) == (
                422,
                {"error": "ffmpeg could not make a film from these pictures."},
            )


async def test_where_no_file_can_be_written_that_is_said(
    put_program: PutProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_program("")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(video_export.ClipError, match="could not be started: No such file or directory"):
        await video_export.film(PICTURE, ClipFormat.MP4, 2, 12)


async def test_one_film_is_made_at_a_time(
    pool: Pool, dsn: str, now: datetime, put_program: PutProgram, tmp_path: Path
) -> None:
    began, go = tmp_path / "began", tmp_path / "go"
    for fifo in (began, go):
        os.mkfifo(fifo)
    put_program(f"open({str(began)!r}, 'w').close(); open({str(go)!r}).close()")
    async with served(pool, dsn, now) as base, aiohttp.ClientSession(headers={"Origin": base}) as session:
        url, fields = asks(base)

        async def make() -> int:
            async with session.post(url, params=fields, data=PICTURE) as answer:
                return answer.status

        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(make())
            await asyncio.to_thread(began.read_bytes)
            assert await make() == 429
            await asyncio.to_thread(go.write_bytes, b"")
        assert first.result() == 200


async def test_who_may_only_look_is_offered_no_film(
    pool: Pool, dsn: str, now: datetime, put_program: PutProgram
) -> None:
    put_program("")
    looks = replace(SETTINGS, role=Role.VIEWER)
    async with (
        served(pool, dsn, now, looks) as base,
        aiohttp.ClientSession(headers={"Origin": base}) as session,
    ):
        url, fields = asks(base)
        async with session.get(url) as answer:
            assert (await answer.json())["forms"] == []
        async with session.post(url, params=fields, data=PICTURE) as answer:
            assert answer.status == 403


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="there is no ffmpeg")
@pytest.mark.parametrize(
    ("form", "begins"),
    [(ClipFormat.MP4, b"ftyp"), (ClipFormat.WEBM, b"\x1aE\xdf\xa3"), (ClipFormat.GIF, b"GIF89a")],
)
async def test_the_ffmpeg_of_this_machine_makes_what_it_says_it_can(form: ClipFormat, begins: bytes) -> None:
    if form not in await video_export.available_formats():
        pytest.skip(f"this ffmpeg makes no {form}")
    source = (
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=321x201:rate=4",
        "-frames:v",
        "4",
        "-f",
        "image2pipe",
        "-c:v",
        "mjpeg",
    )
    ffmpeg = shutil.which("ffmpeg") or ""
    drawn = await asyncio.to_thread(
        lambda: subprocess.run([ffmpeg, "-loglevel", "error", *source, "-"], capture_output=True, check=True)
    )
    assert begins in (await video_export.film(drawn.stdout, form, 4, 12))[:16]
