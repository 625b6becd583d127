"""A film of a replay: pictures go in, ffmpeg makes a file of them; within limits, one at a time."""

import json
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest

from dashboard.replay import video_export
from dashboard.replay.video_export import ClipFormat
from storage.postgres.pool import Pool
from tests.support.servers.dashboard import served

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
