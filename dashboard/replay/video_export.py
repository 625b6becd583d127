"""Export of a film: ffmpeg, if this machine has it, joins pictures that a browser drew.

What a browser sends is anybody's bytes: ffmpeg is given them as JPEG and nothing else, without a shell,
without our environment, and within limits of number, size and time.
"""

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

MOST_FRAMES = 480
MOST_BYTES = 48_000_000
"""Of all pictures together."""
MOST_PIXELS = 2_500_000
"""Of one picture: what is larger is not decoded."""
MOST_RATE = 30
"""Pictures a second."""
WITHIN_S = 120.0
_LARGEST_FILM = 80_000_000


class ClipFormat(StrEnum):
    """What a film can be."""

    MP4 = "mp4"
    WEBM = "webm"
    GIF = "gif"


MEDIA_TYPES: Mapping[ClipFormat, str] = {
    ClipFormat.MP4: "video/mp4",
    ClipFormat.WEBM: "video/webm",
    ClipFormat.GIF: "image/gif",
}
_ENCODERS = {ClipFormat.MP4: "libx264", ClipFormat.WEBM: "libvpx-vp9", ClipFormat.GIF: "gif"}
_EVEN = "scale=trunc(iw/2)*2:trunc(ih/2)*2:out_range=tv,format=yuv420p"
"""These encoders take no odd number of pixels."""
_HOW: Mapping[ClipFormat, Sequence[str]] = {
    ClipFormat.MP4: (
        "-vf",
        _EVEN,
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-movflags", "+faststart"),
    ),
    ClipFormat.WEBM: (
        "-vf",
        _EVEN,
        *("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "6", "-crf", "30", "-b:v", "0"),
    ),
    ClipFormat.GIF: (
        "-filter_complex",
        # A palette of each picture: with one of all of them ffmpeg holds them all, 5 MB each, until the last.
        "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=dither=none:new=1",
    ),
}


class ClipError(Exception):
    """The pictures did not become a film. The message is one sentence."""


def program() -> str | None:
    """Where ffmpeg is; None where there is none."""
    return shutil.which("ffmpeg")


def arguments(form: ClipFormat, frames: int, rate: int, to: Path) -> list[str]:
    """What ffmpeg is asked to do with JPEG pictures, one after the other, from its standard input."""
    return [
        *("-hide_banner", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "pipe,file"),
        *(
            "-max_pixels",
            str(MOST_PIXELS),
            "-threads",
            "1",
            "-f",
            "image2pipe",
            "-c:v",
            "mjpeg",
            "-framerate",
            str(rate),
            "-i",
            "pipe:0",
        ),
        *("-an", "-frames:v", str(frames), "-threads", "1", *_HOW[form]),
        *("-fs", str(_LARGEST_FILM), "-f", form.value, "-y", str(to)),
    ]


async def available_formats() -> list[ClipFormat]:
    """What this machine can make; nothing where there is no ffmpeg, or it does not answer."""
    found = program()
    if found is None:
        return []
    try:
        process = await asyncio.create_subprocess_exec(
            found, "-hide_banner", "-encoders", stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, env={}
        )
        output, _ = await _within(process, None, 10.0)
    except (OSError, ClipError):
        return []
    names = {
        fields[1] for line in output.decode(errors="replace").splitlines() if len(fields := line.split()) > 1
    }
    return [form for form in ClipFormat if _ENCODERS[form] in names]


async def film(pictures: bytes, form: ClipFormat, frames: int, rate: int) -> bytes:
    """The film of these JPEG pictures. Raises ClipError."""
    found = program()
    if found is None:
        raise ClipError("This machine has no ffmpeg. Install it to export films.")
    try:
        with TemporaryDirectory(prefix="blockline-film-") as folder:
            to = Path(folder) / f"film.{form}"
            process = await asyncio.create_subprocess_exec(
                found, *arguments(form, frames, rate, to), stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, env={}
            )
            await _within(process, pictures, WITHIN_S)
            if process.returncode != 0 or not to.exists():
                raise ClipError("ffmpeg could not make a film from these pictures.")
            return await asyncio.to_thread(to.read_bytes)
    except OSError as error:
        raise ClipError(f"ffmpeg could not be started: {error.strerror}.") from error


async def _within(process: Process, given: bytes | None, seconds: float) -> tuple[bytes, bytes]:
    """Let it run to its end, or end it when it takes longer or nobody waits for it any more."""
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate(given)
    except TimeoutError as error:
        raise ClipError(f"ffmpeg was stopped after {seconds:.0f} s. Choose a shorter film.") from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return out or b"", err or b""
