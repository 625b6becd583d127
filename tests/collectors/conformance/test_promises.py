"""What every platform keeps to: limits, secrets, the size of evidence, renames, and what it declares.

The tests marked `long` guard `collectors/core`, `jobs/collect` and `jobs/rehearsal`.
"""

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from collectors.core.settings import PlatformSettings
from collectors.simulator.faults import PROFILES, FaultKind, FaultPlan, Outage, profile
from collectors.simulator.platform_simulator import simulator_of
from collectors.transport.connection import PlatformConnection
from jobs.base.wording import handle_name
from storage.model.core.accounts import Platform
from storage.model.core.availability import MissedReason, State, Status
from storage.model.core.signals import SignalKind
from storage.model.evidence.decisive import decisive_words, readable
from storage.model.platforms.registry import DECLARED, FEDERATED, part
from storage.model.tables.account_references import read_address
from tests.collectors.conformance.stage import HOUR, Json, objects_of, staged
from tests.house.source import ROOT
from tests.support.samples.readings import T0, write_history

_KEYS = {"authorization", "x-api-key", "x-goog-api-key", "api_key", "apikey", "key", "token", "access_token"}
"""Headers and parameters in which platforms take keys."""
_LIMITS = (FaultKind.LIMIT_WITHOUT_RESET, FaultKind.LIMIT_PAST_RESET, FaultKind.LIMIT_HTML)


@pytest.mark.parametrize("platform", Platform)
@pytest.mark.parametrize("kind", _LIMITS)
async def test_after_a_limit_was_met_nothing_is_asked_until_it_ends(
    platform: Platform, kind: FaultKind
) -> None:
    async with staged(platform, FaultPlan({kind: 100_000})) as stage:
        trouble = (await stage.read(T0)).trouble
        assert trouble is not None
        assert T0 < trouble.retry_at <= T0 + HOUR
        asked = len(stage.proxy.asked)
        for early in (T0, trouble.retry_at - timedelta(seconds=1)):
            answer = await stage.read(early)
            assert (answer.sent, answer.readings) == (False, ())
        assert len(stage.proxy.asked) == asked
        await stage.read(trouble.retry_at)
        assert len(stage.proxy.asked) > asked


@pytest.mark.parametrize("platform", Platform)
async def test_no_key_gets_into_the_evidence_or_into_an_address(platform: Platform) -> None:
    async with staged(platform) as stage:
        answer = await stage.read_truly(T0)
        keys = {
            value.removeprefix("Bearer ")
            for request in stage.proxy.asked
            for name, value in (*request.headers.items(), *request.rel_url.query.items())
            if name.lower() in _KEYS
        }
        ids = [account.native_id for account in stage.accounts]
        kept = b"".join(stage.collector.evidence(answer.exchanges, ids).values()).decode()
        assert not [key for key in keys if key in kept]
        assert not [key for key in keys for exchange in answer.exchanges if key in exchange.url]


@pytest.mark.parametrize("platform", Platform)
async def test_evidence_is_about_one_account_and_holds_nothing_that_rests_no_status(
    platform: Platform,
) -> None:
    def swell(document: Json) -> None:
        for item in list(objects_of(document)):
            item["blockline_unknown"] = "x" * 2_000

    async with staged(platform) as stage:
        stage.how = lambda answered: answered.edit(swell)
        answer = await stage.read_truly(T0)
        everybody = {account.native_id for account in stage.accounts}
        evidence = stage.collector.evidence(answer.exchanges, everybody)
        assert evidence.keys() == everybody
        names = {account.native_id: account.handle_at(T0).partition("@")[0] for account in stage.accounts}
        for native_id, kept in evidence.items():
            assert b"blockline_unknown" not in kept
            others = everybody - {native_id}
            named = [i for i in others if f'"{i}"'.encode() in kept or f'"{names[i]}"'.encode() in kept]
            assert named == []


@pytest.mark.parametrize("platform", Platform)
async def test_another_handle_is_the_same_account_in_the_same_state(platform: Platform) -> None:
    async with staged(platform) as stage:
        before = await stage.read_truly(T0)
        await stage.move_to(T0 + 2 * HOUR)
        after = await stage.read_truly(T0 + 2 * HOUR)
        for answer, at in ((before, T0), (after, T0 + 2 * HOUR)):
            shown = {r.native_id: r.handle for r in answer.readings if r.handle is not None}
            assert shown or platform in FEDERATED, "only how a server spells names may still be unknown"
            handles = {account.native_id: account.handle_at(at) for account in stage.accounts}
            assert shown.items() <= handles.items()


@pytest.mark.parametrize("platform", Platform)
async def test_engagement_that_nobody_can_read_is_declared_as_not_observable(platform: Platform) -> None:
    async with staged(platform) as stage:
        shown = next(a for a in stage.accounts if stage.truth(T0)[a.native_id].status is Status.AVAILABLE)
        trouble = (await stage.collector.engagement(shown.native_id, None, T0)).trouble
    if trouble is not None and trouble.reason is MissedReason.ACCESS:
        assert {one.kind for one in DECLARED[platform].not_observable} == set(SignalKind)


# what it declares ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", Platform)
def test_its_examples_are_what_they_are_called(platform: Platform) -> None:
    declared = DECLARED[platform]
    assert declared.is_native_id(declared.id_example)
    assert declared.is_handle(declared.handle_example)
    by_id, by_handle = declared.account(declared.id_example), declared.account(f"@{declared.handle_example}")
    assert by_id is not None
    assert by_id.is_id
    assert by_handle is not None
    assert not by_handle.is_id
    assert handle_name(declared.handle_example)


@pytest.mark.parametrize("platform", Platform)
def test_it_shows_no_status_that_it_does_not_declare(platform: Platform) -> None:
    simulator = simulator_of(platform)
    shown = {simulator.visible(State(s, ("TR",) if s is Status.WITHHELD else ())).status for s in Status}
    assert shown <= DECLARED[platform].statuses


@pytest.mark.parametrize("platform", Platform)
def test_its_limits_and_prices_say_where_they_are_from(platform: Platform) -> None:
    terms = DECLARED[platform].terms
    assert terms.batch > terms.batch - terms.roster_size > 0
    assert terms.limit is not None or terms.own_pace_s is not None, "something must hold it back"
    assert terms.limit is None or terms.limit.source
    assert terms.price is None or (terms.price.source and terms.price.console)


@pytest.mark.parametrize("platform", Platform)
def test_its_settings_bear_its_name_and_those_it_speaks_of_exist(platform: Platform) -> None:
    settings = part(platform, "settings", PlatformSettings)
    own = set(settings.model.model_fields)
    assert f"{platform.value}_canaries" in own
    assert {name for name in own if not name.startswith(f"{platform.value}_")} == set()
    connection = part(platform, "connection", PlatformConnection)
    spoken_of = {*DECLARED[platform].address_settings, connection.address_setting}
    assert spoken_of - own <= {"trusted_hosts"}


@pytest.mark.parametrize("platform", Platform)
def test_its_words_for_every_state_follow_a_name(platform: Platform) -> None:
    declared = DECLARED[platform]
    for words in (
        declared.withheld("Turkey", "TR"),
        declared.suspended(None).words,
        declared.suspended(frozenset()).words,
        declared.not_found(None).words,
        declared.no_answer(alone=True),
        declared.no_answer(alone=False),
        declared.absent_words,
    ):
        assert words
        assert not words.endswith(".")


@pytest.mark.parametrize("platform", Platform)
async def test_what_decides_a_status_is_found_in_its_evidence_and_differs_by_status(
    platform: Platform,
) -> None:
    async with staged(platform) as stage:
        answer = await stage.read_truly(T0)
        ids = [account.native_id for account in stage.accounts]
        evidence = stage.collector.evidence(answer.exchanges, ids)
    shown: dict[str, set[State]] = {}
    for reading in answer.readings:
        kept, decisive = evidence[reading.native_id], DECLARED[platform].decisive
        words = decisive_words(kept, decisive)
        assert any(": " in said for said in words), "a field of the answer decides, and not only its code"
        assert any(line.is_decisive for line in readable(kept, decisive))
        shown.setdefault(" ".join(words).replace(reading.native_id, ""), set()).add(reading.state)
    assert all(len(states) == 1 for states in shown.values()), shown


@pytest.mark.parametrize("platform", Platform)
def test_the_address_of_a_profile_names_its_account(platform: Platform) -> None:
    declared = DECLARED[platform]
    address = declared.profile_address(declared.id_example, declared.handle_example)
    if address is None:
        pytest.skip("It has no pages for people.")
    named = read_address(address)
    assert named.platform is platform
    assert declared.usual_handle(named.name) in {declared.id_example, declared.handle_example}


LIES = {FaultKind.ALL_NOT_FOUND, FaultKind.LABELS_DROPPED}
"""No collector can tell them from the truth: the control accounts in the same answer do."""


@pytest.mark.parametrize("platform", Platform)
@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind not in LIES])
async def test_no_fault_makes_a_reading_that_differs_from_the_truth(
    platform: Platform, kind: FaultKind
) -> None:
    async with staged(platform, FaultPlan({kind: 100_000}, hang_s=0.01)) as stage:
        for n in range(3):
            await stage.move_to(T0 + n * HOUR)
            await stage.read_truly(T0 + n * HOUR)


ROUNDS = 50
"""Half an hour apart: every period of a profile comes at least once."""


def tells_the_truth(plan: FaultPlan) -> bool:
    periodic = {kind for period in plan.periods for kind in period.kinds}
    return not plan.lies and not LIES & (periodic | plan.weights.keys())


@pytest.mark.slow
@pytest.mark.parametrize("platform", Platform)
@pytest.mark.parametrize("name", [name for name, plan in PROFILES.items() if tells_the_truth(plan)])
async def test_under_every_profile_that_does_not_lie_what_is_read_is_the_truth(
    platform: Platform, name: str
) -> None:
    readings = 0
    async with staged(platform, profile(name, seed=3)) as stage:
        for n in range(ROUNDS):
            await stage.move_to(T0 + n * HOUR / 2)
            readings += len((await stage.read_truly(T0 + n * HOUR / 2)).readings)
        assert readings > len(stage.accounts) * ROUNDS / 2


@pytest.mark.parametrize("platform", Platform)
async def test_in_an_outage_nothing_is_read_and_afterwards_everything(platform: Platform) -> None:
    faults = profile("none", outages=(Outage(T0 + HOUR, T0 + 2 * HOUR),))
    async with staged(platform, faults) as stage:
        counts: list[int] = []
        for n in range(5):
            await stage.move_to(T0 + n * HOUR / 2)
            counts.append(len((await stage.read_truly(T0 + n * HOUR / 2)).readings))
        everybody = len(stage.accounts)
        assert counts == [everybody, everybody, 0, 0, everybody]


@pytest.mark.parametrize("platform", Platform)
async def test_an_answer_that_nobody_exists_says_no_other_untruth(platform: Platform) -> None:
    async with staged(platform, FaultPlan({FaultKind.ALL_NOT_FOUND: 100_000})) as stage:
        truth = stage.truth(T0)
        for reading in (await stage.read(T0)).readings:
            assert reading.state in {truth[reading.native_id], State(Status.NOT_FOUND)}


TOY = ROOT / "tests" / "support" / "toy_platform"


def _with_toy(*command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(TOY), str(ROOT)))
    return subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        | {"PYTHONPATH": path},
    )


@pytest.mark.slow
def test_the_toy_platform_passes_the_suite() -> None:
    suite = "tests/collectors/conformance"
    done = _with_toy("pytest", "-q", "-k", "pond", "-n", "0", suite)
    assert done.returncode == 0, done.stdout[-2000:]
    assert " passed" in done.stdout


@pytest.mark.long
def test_the_toy_platform_is_watched_mailed_drawn_and_replayed(dsn: str, tmp_path: Path) -> None:
    history = write_history(tmp_path / "history.csv", accounts=30, days=2)
    done = _with_toy("tests.support.processes.toy_installation", dsn, str(history))
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert (found["false"], found["wrong_interval"]) == ([], [])
    assert found["detected"] > 15
    assert found["mails"] > 0
    assert found["drawn"] == {"live": 200, "replay": 200}
    assert found["platforms_of_changes"] == ["pond"]
    assert found["named_on"] == ["/account/{account}", "/health", "/plan"]


def test_blockline_names_the_toy_platform_nowhere() -> None:
    for folder in ("collectors", "storage", "dashboard", "jobs"):
        named = [p for p in (ROOT / folder).rglob("*.py") if re.search(r"(?i)\bpond\b", p.read_text())]
        assert named == []
