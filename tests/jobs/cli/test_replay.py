"""The command `replay` as a user meets it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from storage.postgres.pool import Pool, open_pool
from tests.support.clients.command_line import Blockline
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, WITHHELD_IN

BLOCK = [Sent(0, {"1": AVAILABLE}), Sent(10, {"1": WITHHELD_IN}), Sent(20, {"1": WITHHELD_IN})]
GONE = [Sent(30, {"2": AVAILABLE}), *(Sent(m, {"2": NOT_FOUND}) for m in (40, 42, 60, 105))]
EARLY = "[confirmation]\nstrong_readings = 1\n"
Tell = Callable[[list[Sent]], None]


@pytest.fixture
def tell(dsn: str) -> Tell:
    async def told(work: Callable[[Pool], Awaitable[None]]) -> None:
        async with open_pool(dsn, max_size=2) as pool:
            await work(pool)

    def tell(story: list[Sent]) -> None:
        async def deliver(pool: Pool) -> None:
            desk = Desk(pool)
            await desk.enlist("1", "2")
            for sent in story:
                await desk.take(sent)

        asyncio.run(told(deliver))

    return tell


def test_with_the_rules_in_force_nothing_differs(run: Blockline, tell: Tell) -> None:
    tell([*BLOCK, *GONE])
    done = run("replay", "--json")
    assert done.code == 0, done.err
    told = done.json
    assert told["rules"] == "in force"
    assert told["readings"] == 8
    assert told["changes"] == {
        "same": 4,
        "earlier": 0,
        "later": 0,
        "never": 0,
        "besides": 0,
        "otherwise": 0,
    }
    assert "4 same as stored" in run("replay").out


def test_other_thresholds_are_read_from_a_file_and_every_difference_is_written_out(
    run: Blockline, tell: Tell, tmp_path: Path
) -> None:
    tell(BLOCK)
    (tmp_path / "other.toml").write_text(EARLY)
    done = run("replay", "--rules", "other.toml", "--report", "cases.jsonl")
    assert done.code == 0, done.err
    assert "1 confirmed earlier" in done.out
    assert "enough_strong, 2021-02-01 00:10 UTC" in done.out
    (case,) = [json.loads(line) for line in (tmp_path / "cases.jsonl").read_text().splitlines()]
    assert (case["what"], case["cause"], case["account_id"]) == ("earlier", "thresholds", "1")
    assert case["stored"]["last_agreeing_at"] == "2021-02-01T00:20:00+00:00"
    assert case["told"]["last_agreeing_at"] == "2021-02-01T00:10:00+00:00"
    assert case["stored"]["last_seen_old"] == case["told"]["last_seen_old"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "[confirmation]\nstrong_readings = 0\n",
            "line 2: strong_readings: 0 is not a whole number of at least 1.",
        ),
        ("[confirmation]\nstrong = 1\n", "line 2: strong is not a threshold. Use rereads,"),
        ("[confirmation]\nweak_readings = 9\n", "line 1: [confirmation]: a rule needs 1 <= strong readings"),
        ('[confirmation]\nrereads = ["1 minute"]\n', "line 2: rereads: '1 minute' is not a duration"),
        ('[confirmation]\nrereads = "1m"\n', "line 2: rereads must be a list of durations"),
        (
            '[confirmation]\nrereads = ["5m", "1m", "9m"]\n',
            "line 1: [confirmation]: offsets must start at zero",
        ),
        ("[confirmation]\ncohort_window = 6\n", "line 2: cohort_window: '6' is not a duration"),
        ("confirmation = 1\n", "confirmation must be a table, under a line [confirmation]."),
        ("[rule]\n", "the key rule is not allowed"),
        ("[[rules]]\nname = 'a'\nrecipients = ['nobody']\n", "line 3: rule 'a': 'nobody' is neither"),
        ("[confirmation\n", "line 1: the file is not TOML"),
        ("", "the file contains no rule"),
    ],
)
def test_a_file_with_a_fault_is_refused_with_its_line(
    run: Blockline, tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "other.toml").write_text(content)
    done = run("replay", "--rules", "other.toml")
    assert done.code == 1
    assert done.err.startswith("other.toml")
    assert said in done.err
    assert len(done.complaints) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--since", "2021-02-01", "--until", "2021-02-01"),
            "--since (2021-02-01T00:00:00+00:00) is not before",
        ),
        (
            ("--since", "2021-02-02", "--until", "2021-02-01"),
            "is not before --until (2021-02-01T00:00:00+00:00).",
        ),
        (("--since", "2999-01-01"), "is not before now."),
        (("--since", "yesterday"), "--since: 'yesterday' is not a time"),
        (("--since", "2021-03-01", "--until", "2021-04-01"), "No reading is stored from 2021-03-01"),
        (
            ("--since", "2021-02-01T00:01:00Z", "--until", "2021-02-01T00:05:00Z"),
            "No reading is stored from 2021",
        ),
        (("--until", "2020-01-01"), "No reading is stored"),
        (("--list", "None"), "There is no list 'None'; there are: Desk."),
        (
            ("--list", "Desk", "--at", "2021-02-01"),
            "--list cannot be combined with --at",
        ),
        (("--rules", "none.toml"), "none.toml: the file does not exist."),
        (("--rules", "."), "is a folder"),
        (("--report", "nowhere/cases.jsonl"), "nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    run: Blockline, tell: Tell, options: tuple[str, ...], said: str
) -> None:
    tell(BLOCK)
    done = run("replay", *options)
    assert done.code == 1
    assert said in done.err
    assert len(done.complaints) == 1
    assert done.out == ""


def test_a_database_without_readings_is_said_to_have_none(run: Blockline) -> None:
    done = run("replay")
    assert (done.code, done.complaints) == (
        1,
        ["No reading is stored, so there is nothing to re-evaluate."],
    )


def test_a_database_that_is_not_there_is_said_to_be_away(
    run: Blockline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", "postgresql://postgres@127.0.0.1:1/nothing")
    done = run("replay")
    assert done.code == 1
    assert len(done.complaints) == 1
