"""The command export as a user meets it: what it writes, what it refuses, and what it leaves behind."""

import asyncio
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from collectors.x.declaration import X
from storage.postgres.pool import Conn, open_pool, transaction
from tests.support.clients.command_line import Blockline
from tests.support.samples.readings import AVAILABLE, T0, WITHHELD_IN, minutes
from tests.support.seeds.changes import become, enlist, roster_of

Seed = Callable[[Callable[[Conn], Awaitable[None]]], None]
BLOCKLINE = Path(sys.executable).parent / "blockline"


async def three_changes(conn: Conn) -> None:
    one, two = await enlist(conn, X, ["1", "2"], ("Farmers",))
    roster = await roster_of(conn, [one, two])
    await become(conn, roster, one, None, AVAILABLE, minutes(0))
    await become(conn, roster, two, None, AVAILABLE, minutes(1))
    await become(conn, roster, one, AVAILABLE, WITHHELD_IN, minutes(60), confirmed=False)


async def many_requests(conn: Conn) -> None:
    """More than a pipe holds, and enough to be interrupted."""
    roster = await roster_of(conn, await enlist(conn, X, ["1"]))
    await conn.execute("select ensure_coverage_month('2021-02-01')")
    await conn.execute(
        """
        insert into coverage_row (slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome)
        select at, at, at, $1, 100, 0, 0 from generate_series(
            $2::timestamptz, $2::timestamptz + interval '99999 seconds', interval '1 second'
        ) as at
        """,
        roster.roster_id,
        T0,
    )


@pytest.fixture
def seed(dsn: str) -> Seed:
    """Fills the database."""

    async def filled(story: Callable[[Conn], Awaitable[None]]) -> None:
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            await story(conn)

    return lambda story: asyncio.run(filled(story))


def test_json_lines_have_an_object_a_row(run: Blockline, seed: Seed) -> None:
    seed(three_changes)
    done = run("export", "states", "--format", "jsonl", "--at", "2021-02-01T00:00", "--list", "Farmers")
    rows = [json.loads(line) for line in done.said]
    assert [(r["account_id"], r["status"], r["since"], r["withheld_in"]) for r in rows] == [
        ("1", "available", "2021-02-01T00:00:00Z", []),
        ("2", None, None, None),
    ]


def test_a_file_is_told_of_with_its_hash(run: Blockline, seed: Seed) -> None:
    seed(three_changes)
    done = run("export", "changes", "--output", "changes.csv", "--until", "2021-02-01T01:00Z", "--json")
    content = Path("changes.csv").read_bytes()
    assert done.json == {
        "kind": "changes",
        "rows": 2,
        "files": [
            {
                "path": "changes.csv",
                "rows": 2,
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        ],
        "bytes": len(content),
    }
    assert len(content.splitlines()) == 3


def test_parquet_is_told_of_in_words(run: Blockline, seed: Seed) -> None:
    seed(three_changes)
    done = run("export", "spells", "--format", "parquet", "--output", "spells")
    size = Path("spells/month=2021-02/part-0.parquet").stat().st_size
    assert done.said == [f"spells: 2 rows in spells, {size:,} bytes."]
    assert sorted(p.name for p in Path("spells").iterdir()) == ["_manifest.json", "month=2021-02"]


REFUSED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "a choice that a kind does not have": (
        ("changes", "--at", "2021-02-01"),
        "--at does not apply to changes. These do: --since, --until, --as-known-at, --list, --platform, "
        "--post.",
    ),
    "an end before the beginning": (
        ("changes", "--since", "2021-02-02", "--until", "2021-02-01T12:00:00+05:30"),
        "--until (2021-02-01T06:30:00+00:00) is not after --since (2021-02-02T00:00:00+00:00).",
    ),
    "a state of the future": (
        ("states", "--at", "9021-02-02"),
        "--at (9021-02-02T00:00:00+00:00) is in the future.",
    ),
    "knowledge of the future": (
        ("changes", "--as-known-at", "9021-02-02"),
        "--as-known-at (9021-02-02T00:00:00+00:00) is in the future.",
    ),
    "what is no time": (
        ("changes", "--since", "yesterday"),
        "--since: 'yesterday' is not a time; write it like 2021-02-01T06:30:00Z.",
    ),
    "a time before all time": (
        ("states", "--at", "0001-01-01T00:00:00+14:00"),
        "--at: '0001-01-01T00:00:00+14:00' is not a time; write it like 2021-02-01T06:30:00Z.",
    ),
    "the first time there is": (
        ("changes", "--since", "0001-01-01"),
        "--since: '0001-01-01' is not a time; write it like 2021-02-01T06:30:00Z.",
    ),
    "a list that is not there": (
        ("changes", "--list", "farmrs"),
        "There is no list 'farmrs': did you mean 'Farmers'?",
    ),
    "a folder as the standard output": (
        ("changes", "--format", "parquet"),
        "Parquet writes a folder of files; name a new folder with --output.",
    ),
    "two things on the standard output": (
        ("changes", "--json"),
        "--json describes a written file; also give --output FILE.",
    ),
    "a file that is there": (("changes", "--output", "taken"), "taken exists already; name another file."),
    "a folder that is not empty": (
        ("changes", "--format", "parquet", "--output", "full"),
        "The folder full is not empty; name a folder that is empty or does not exist yet.",
    ),
    "a folder that is not there": (
        ("changes", "--output", "none/changes.csv"),
        "none/changes.csv cannot be written: the folder none does not exist.",
    ),
    "a name that is too long": (
        ("changes", "--output", "n" * 300),
        f"{'n' * 300} cannot be written: File name too long.",
    ),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_what_cannot_be_done_is_refused_in_one_sentence(run: Blockline, seed: Seed, rule: str) -> None:
    arguments, sentence = REFUSED[rule]
    seed(three_changes)
    Path("taken").touch()
    Path("full").mkdir()
    Path("full/file").touch()
    done = run("export", *arguments)
    assert (done.code, done.out, done.complaints) == (1, "", [sentence])
    assert sorted(p.name for p in Path.cwd().iterdir()) == ["full", "taken"]


def exporting(dsn: str, *arguments: object, small_disk: bool = False) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [BLOCKLINE, "export", *map(str, arguments)],
        env=os.environ | {"BLOCKLINE_DATABASE_URL": dsn},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_on_a_small_disk if small_disk else _in_a_terminal,
    )


def _in_a_terminal() -> None:
    """Whoever runs the tests in the background may have an interrupt ignored, which a child inherits."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _on_a_small_disk() -> None:
    """A file that would grow larger cannot be written, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**17, 2**17))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_what_is_interrupted_says_so_and_leaves_nothing(
    run: Blockline, dsn: str, seed: Seed, tmp_path: Path, form: str
) -> None:
    seed(many_requests)
    with exporting(dsn, "coverage", "--format", form, "--output", tmp_path / "out") as process:
        while not list(tmp_path.glob(".out.*.partial")):
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert (process.returncode, err.decode().splitlines()) == (
        1,
        [f"The export was stopped: {tmp_path / 'out'} was not written."],
    )
    assert list(tmp_path.iterdir()) == []
