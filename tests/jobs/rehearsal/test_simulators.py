"""The simulators in a process of their own, one address for each platform, and the command `simulate`."""

import asyncio
import json
import shlex
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.simulator.history_conversion import recast_all
from collectors.simulator.history_files import load_history
from collectors.x.declaration import X
from jobs.cli.rehearse import guide
from jobs.rehearsal.simulators import SimulatorError, connected, played, spawn
from storage.model.core.accounts import Platform
from storage.model.platforms.registry import DECLARED
from tests.support.clients.command_line import HISTORY, blockline, forget_settings
from tests.support.samples.readings import T0

DAY = timedelta(days=1)
LATER = "x,1002,Beta,2021-02-02T00:00:00Z,suspended,,L\n"


@pytest.fixture
def told(tmp_path: Path) -> Path:
    path = tmp_path / "history.csv"
    path.write_text(HISTORY + LATER)
    return path


async def asked(url: str, **headers: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_one_process_answers_for_several_platforms_and_takes_a_new_time_at_once(told: Path) -> None:
    x, bluesky, mastodon = (
        next(a for a in recast_all(load_history(told)).accounts if a.platform is p and "eta" in a.handles[0])
        for p in (X, BLUESKY, MASTODON)
    )
    host, local_id = mastodon.handles[0].partition("@")[2], mastodon.native_id.partition("#")[2]

    async def looks() -> tuple[bool, int, bool]:
        at = simulators.addresses
        _, said = await asked(f"{at[X]}/2/users?ids={x.native_id}", Authorization="Bearer t")
        profile = f"/xrpc/app.bsky.actor.getProfile?actor={bluesky.native_id}"
        status, _ = await asked(at[BLUESKY] + profile)
        _, account = await asked(f"{at[MASTODON]}/api/v1/accounts/{local_id}", Host=host)
        return "errors" in said, status, "suspended" in account

    async with spawn(told, platform="all") as simulators:
        assert list(simulators.addresses) == list(Platform)
        await simulators.set_clock(T0)
        assert await looks() == (False, 200, False)
        await simulators.set_clock(T0 + DAY)
        assert await looks() == (True, 400, True)


async def test_without_a_platform_the_file_says_which_ones_there_are(told: Path) -> None:
    async with spawn(told) as simulators:
        assert list(simulators.addresses) == [X]
    async with spawn(told, platform="mastodon") as simulators:
        assert list(simulators.addresses) == [MASTODON]


async def test_simulators_that_run_already_are_told_the_time_by_another_process_too(told: Path) -> None:
    async with spawn(told) as simulators, connected(simulators.addresses) as same:
        await same.set_clock(T0 + DAY)
        url = f"{simulators.addresses[X]}/2/users?ids=1002"
        assert "errors" in (await asked(url, Authorization="Bearer t"))[1]


@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        ("", {}, "history.csv, line 1: the header has no column"),
        (
            "platform,account_id,handle,at,status,withheld_in,list\n",
            {},
            "history.csv: the file contains no account.",
        ),
        (HISTORY, {"faults": "mild"}, "unknown fault profile 'mild'; known are none, light"),
        (HISTORY.replace("1001", "8999999999999999901"), {}, "the history uses ids of control accounts: "),
        (
            HISTORY,
            {"platform": "mastodon", "acts": Path("acts.csv")},
            "acts.csv: simulated engagements need an account on X",
        ),
    ],
)
async def test_what_cannot_be_served_is_said_in_one_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: str, options: dict[str, Any], sentence: str
) -> None:
    path = tmp_path / "history.csv"
    path.write_text(content)
    with pytest.raises(SimulatorError):
        async with spawn(path, **options):
            pass
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1
    assert sentence in said[0]


def test_an_unknown_platform_to_play_on_is_refused(told: Path) -> None:
    with pytest.raises(ValueError, match="myspace"):
        played(load_history(told), "myspace")


# the command ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("curl") is None, reason="the lines to try are made for curl")
async def test_the_command_says_how_to_use_it_and_every_line_to_try_works(told: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "jobs.cli.main",
        "simulate",
        str(told),
        "--platform",
        "all",
        "--port",
        "0",
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        said = (await process.stdout.readuntil(b"Press Ctrl-C to stop.\n")).decode().splitlines()
        curls = [line.partition(": ")[2].strip() for line in said if " curl " in line]
        assert len(curls) == 12
        for curl in curls:
            quietly = [*shlex.split(curl), "-s", "-o", "/dev/null", "-w", "%{http_code}"]
            answered = await asyncio.create_subprocess_exec(*quietly, stdout=asyncio.subprocess.PIPE)
            assert (await answered.communicate())[0] in {b"200", b"204"}, curl
        names = tuple(f"{declared.name} on" for declared in DECLARED.values())
        assert sum(line.startswith(names) for line in said) == len(names)
    finally:
        process.terminate()
        assert await process.wait() == 0


def test_platforms_take_ports_one_after_the_other_and_a_taken_one_is_said(
    told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forget_settings(monkeypatch, tmp_path)
    with subprocess.Popen(
        [sys.executable, "-m", "jobs.rehearsal.simulators", str(told)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        port = json.loads(process.stdout.readline())["x"].rpartition(":")[2]
        ran = blockline(capsys)("simulate", told, "--port", port)
        process.stdin.close()
    assert ran.code == 1
    assert f"--port: cannot listen on port {port} and those after it" in ran.err


def test_the_guide_names_the_servers_of_mastodon(told: Path) -> None:
    history = recast_all(load_history(told))
    lines = guide(MASTODON, "http://127.0.0.1:1", history, T0)
    assert lines[0] == "Mastodon on http://127.0.0.1:1, 4 accounts"
    assert "mastodon.example" in lines[1]
    assert "social.example" in lines[1]


@pytest.mark.parametrize(("option", "value"), [("--faults", "mild"), ("--platform", "myspace")])
def test_a_wrong_option_is_refused(
    told: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    option: str,
    value: str,
) -> None:
    forget_settings(monkeypatch, tmp_path)
    ran = blockline(capsys)("simulate", told, option, value)
    assert ran.code in {1, 2}
    assert value in ran.err
