"""Whole rehearsals over real sockets: nothing false, nothing overlooked, whatever goes wrong on the way.

The tests marked `long` guard `collectors/simulator`, `jobs/collect`, `jobs/detect` and `jobs/rehearsal`.
"""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.simulator.faults import PROFILES, profile
from collectors.simulator.history import History
from collectors.simulator.history_conversion import recast_all
from collectors.simulator.history_files import load_history
from collectors.x.declaration import X
from jobs.cli.rehearse import guide
from jobs.detect.confirmation import ConfirmationRule
from jobs.rehearsal.pipeline import SimulationPlan
from jobs.rehearsal.rehearse import RehearsalReport, rehearse, write_report
from jobs.rehearsal.scoring import Believed, StatusTimeline, hold_against_truth, observable
from jobs.rehearsal.simulators import played
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status
from storage.model.platforms.registry import DECLARED
from storage.postgres.pool import open_pool, transaction
from storage.readings.rehearsal_readback import confirmed_changes
from tests.support.clients.command_line import HISTORY, blockline, forget_settings
from tests.support.pipelines.monitor import require_the_same
from tests.support.samples.readings import (
    AVAILABLE,
    HEADER,
    SUSPENDED,
    T0,
    minutes,
    recorded,
    write_history,
    write_order,
)


async def perform(
    path: Path, dsn: str, plan: SimulationPlan, faults: str, platform: str | None = None
) -> RehearsalReport:
    told = played(load_history(path), platform)
    found = await rehearse(path, platform, told, plan, faults, dsn, lambda _: None)
    await require_the_same(dsn, plan, int(str(found.figures["readings"])))
    return found


async def detected(dsn: str, told: History) -> Counter[Platform]:
    """How many changes each platform's accounts were found to make, first states left out."""
    platforms = {account.native_id: account.platform for account in told.accounts}
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        changes = await confirmed_changes(conn)
    return Counter(platforms[change.native_id] for change in changes if change.old is not None)


@pytest.mark.long
async def test_with_nothing_going_wrong_every_change_that_could_be_seen_is_seen(
    dsn: str, tmp_path: Path
) -> None:
    path = write_history(tmp_path / "history.csv", accounts=60, days=3)
    found = await perform(
        path, dsn, SimulationPlan(T0, T0 + timedelta(days=3), timedelta(hours=1)), "none", "all"
    )
    figures = found.figures
    assert found.is_right
    assert (
        figures["changes_detected"] == figures["changes_observable"] == figures["intervals_containing_truth"]
    )
    assert found.verdict.unseen == []
    assert found.verdict.detected > 150
    assert figures["missed"] == 0
    assert figures["mails"] == figures["mails_in_mailbox"]
    assert found.verdict.spells_missed > 0, "the history has spells that no hourly reading can see"


@pytest.mark.long
@pytest.mark.parametrize("faults", [name for name in PROFILES if name != "none"])
async def test_no_fault_of_a_platform_ever_becomes_a_change(faults: str, dsn: str, tmp_path: Path) -> None:
    path = write_history(tmp_path / "history.csv", accounts=30, days=2)
    found = await perform(
        path, dsn, SimulationPlan(T0, T0 + timedelta(days=2), timedelta(hours=1)), faults, "all"
    )
    assert found.verdict.false == []
    assert found.verdict.wrong_interval == []
    if profile(faults).lies:
        assert len(found.verdict.unseen) <= len(found.verdict.misled)
    else:
        assert found.verdict.unseen == []
    by_platform = await detected(dsn, played(load_history(path), "all"))
    assert {platform: by_platform[platform] > 15 for platform in Platform} == dict.fromkeys(Platform, True)


@pytest.mark.slow
async def test_an_order_that_blocks_257_at_once_is_seen_while_the_platforms_flap(
    dsn: str, tmp_path: Path
) -> None:
    path = write_order(tmp_path / "order.csv", accounts=257, at=T0 + timedelta(hours=5))
    plan = SimulationPlan(T0, T0 + timedelta(hours=8), timedelta(minutes=15))
    found = await perform(path, dsn, plan, "flapping", "all")
    assert found.verdict.false == found.verdict.wrong_interval == []
    told = played(load_history(path), "all")
    withholding = [platform for platform in Platform if Status.WITHHELD in DECLARED[platform].statuses]
    assert {X, BLUESKY} <= set(withholding)
    assert await detected(dsn, told) == dict.fromkeys(withholding, 257)


@pytest.mark.slow
async def test_every_change_of_a_real_history_is_reported_and_none_is_false(dsn: str) -> None:
    path = recorded()
    told = load_history(path)
    start = T0.replace(year=2022, month=11, day=1)
    found = await perform(
        path, dsn, SimulationPlan(start, start + timedelta(days=30), timedelta(days=1)), "none"
    )
    assert len(told.accounts) == 7_522
    assert found.is_right
    assert found.verdict.unseen == []
    assert found.verdict.detected == found.verdict.observable > 200


def test_a_wrong_case_is_written_out_with_both_readings(tmp_path: Path) -> None:
    line = StatusTimeline((minutes(-9),), (AVAILABLE,))
    lie = Believed("1", AVAILABLE, SUSPENDED, minutes(0), minutes(5))
    found = RehearsalReport({}, hold_against_truth({"1": line}, (), [lie], minutes(0), minutes(9)))
    assert not found.is_right
    write_report(tmp_path / "report.jsonl", found)
    assert [json.loads(row) for row in (tmp_path / "report.jsonl").read_text().splitlines()] == [
        {
            "what": "false_change",
            "account_id": "1",
            "old": "available",
            "new": "suspended",
            "last_seen_old": minutes(0).isoformat(),
            "first_seen_new": minutes(5).isoformat(),
        }
    ]


@pytest.mark.long  # what is played is in tests/jobs/rehearsal/test_demo.py
def test_the_demonstration_ends_by_itself_with_the_story_told_and_nothing_false() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jobs.cli.main", "demo", "--headless", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    ended = json.loads(done.stdout)
    assert ended["false_changes"] == 0
    assert (ended["accounts"], ended["posts"]) == (257 + 1178 + 300, 40)
    assert ended["changes"]["block"] >= 250 + 126 + 583 + 31
    assert ended["changes"]["restoration"] >= 250 + 8
    assert ended["mails"] > 0
    assert ended["intervals_containing_truth"] == sum(ended["changes"].values())


HOUR = timedelta(hours=1)


def _post(number: int, dice: random.Random) -> Iterator[str]:
    """It is suspended with its author, not found alone or with its author, and shown again."""
    host = "mastodon.example" if number % 3 else "social.example"
    name, local_id = f"name{number}", 1000 + number
    at, status = T0 - 24 * HOUR, "available"
    for _ in range(5):
        detail = dice.choice(("", "with_author")) if status == "not_found" else ""
        named = f"mastodon,https://{host}/@{name}/{local_id},{name}@{host}/{local_id}"
        yield f"{named},{at.isoformat()},{status},,posts,{detail}"
        at = max(at, T0) + dice.randint(6, 16) * HOUR
        status = dice.choice([s for s in ("available", "suspended", "not_found") if s != status])


def _account(number: int) -> Iterator[str]:
    host = "mastodon.example"
    named = f"mastodon,https://{host}/users/account{number}#{5000 + number},account{number}@{host}"
    yield f"{named},{(T0 - 24 * HOUR).isoformat()},available,,accounts,"
    yield f"{named},{(T0 + 10 * HOUR).isoformat()},suspended,,accounts,"


@pytest.mark.long
@pytest.mark.parametrize("faults", ["none", "everything"])
async def test_every_change_of_a_post_is_seen_and_none_is_made_up(
    faults: str, dsn: str, tmp_path: Path
) -> None:
    dice = random.Random(3)
    rows = [f"{HEADER},detail", *(row for n in range(24) for row in _post(n, dice))]
    rows += [row for n in range(6) for row in _account(n)]
    path = tmp_path / "posts.csv"
    path.write_text("\n".join(rows) + "\n")
    found = await perform(path, dsn, SimulationPlan(T0, T0 + 48 * HOUR, HOUR), faults)
    assert found.verdict.false == []
    assert found.verdict.wrong_interval == []
    assert found.verdict.unseen == []
    assert found.verdict.detected > 80


RULE = ConfirmationRule()
IN_TR = State(Status.WITHHELD, ("TR",))


def line(*steps: tuple[float, State]) -> StatusTimeline:
    return StatusTimeline(tuple(minutes(m) for m, _ in steps), tuple(s for _, s in steps))


BLOCKED = line((-999, AVAILABLE), (100, SUSPENDED))


def believed(new: State, after: float, until: float, old: State | None = AVAILABLE) -> Believed:
    return Believed("1", old, new, minutes(after), minutes(until))


@pytest.mark.parametrize(
    ("then", "silent_on", "first"),
    [
        pytest.param(AVAILABLE, "TR", 240, id="a lift in a country that was not heard"),
        pytest.param(AVAILABLE, "BR", 120, id="a lift elsewhere"),
        pytest.param(SUSPENDED, "TR", 120, id="a suspension, which is of no country"),
    ],
)
def test_an_answer_that_is_silent_on_a_country_shows_no_change_there(
    then: State, silent_on: str, first: float
) -> None:
    lines, at = {"1": line((-9, IN_TR), (100, then))}, [minutes(m) for m in (0, 1, 120, 121, 240, 241)]
    silences = {("1", minutes(m)): frozenset({silent_on}) for m in (120, 121)}
    (found,) = observable(lines, {}, {"1": at}, RULE, silences)
    assert (found.new, found.first_seen_new) == (then, minutes(first))


BASELINE = Believed("1", None, AVAILABLE, None, minutes(0))


@pytest.mark.parametrize(
    ("readings", "wrong", "misled"),
    [
        pytest.param([60, 120, 180], 0, 1, id="of what nothing announced the platform misled everybody"),
        pytest.param([60, 110, 120, 180], 1, 0, id="a change that a reading announced has a wrong interval"),
    ],
)
def test_a_lie_excuses_a_wrong_interval_only_where_nothing_announced_the_change(
    readings: list[float], wrong: int, misled: int
) -> None:
    verdict = hold_against_truth(
        {"1": BLOCKED},
        (),
        [BASELINE, believed(SUSPENDED, 120, 180)],
        minutes(0),
        minutes(600),
        lambda _, at: at == minutes(120),
        {"1": [minutes(m) for m in readings]},
    )
    assert (len(verdict.wrong_interval), len(verdict.misled)) == (wrong, misled)


def test_a_lift_in_one_country_in_an_answer_silent_on_the_other_is_not_false() -> None:
    both, one = State(Status.WITHHELD, ("IN", "TR")), State(Status.WITHHELD, ("TR",))
    changes = [
        Believed("1", None, both, None, minutes(0)),
        Believed("1", both, one, minutes(60), minutes(120)),
        Believed("1", one, AVAILABLE, minutes(60), minutes(180)),
    ]
    silences = {("1", minutes(120)): frozenset({"TR"})}
    lines = {"1": line((-9, both), (100, AVAILABLE))}
    verdict = hold_against_truth(lines, (), changes, minutes(0), minutes(600), silences=silences)
    assert (verdict.false, verdict.wrong_interval) == ([], [])
    assert hold_against_truth(lines, (), changes, minutes(0), minutes(600)).false


LATER = "x,1002,Beta,2021-02-02T00:00:00Z,suspended,,L\n"


@pytest.fixture
def told(tmp_path: Path) -> Path:
    path = tmp_path / "history.csv"
    path.write_text(HISTORY + LATER)
    return path


def test_an_unknown_platform_to_play_on_is_refused(told: Path) -> None:
    with pytest.raises(ValueError, match="myspace"):
        played(load_history(told), "myspace")


# the command ---------------------------------------------------------------------------------------------


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
