"""What the doctor says of single parts: the sentence, and whether something must be mended."""

from collections.abc import Generator, Mapping
from datetime import datetime, timedelta

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.core.findings import FindingLevel
from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.collect.collector_factory import connection_of, reach_of
from jobs.config.settings import load_settings, settings_from
from jobs.doctor import doctor
from jobs.doctor.database_checks import chosen_finding, future_finding, watch_findings
from storage.accounts.canaries import Canary, Origin
from storage.executives.signals import add_executive
from storage.health.status import DatabaseServer
from storage.model.core.accounts import Account, AccountId
from storage.model.core.availability import Status
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import T0
from tests.support.simulated.several_platforms import HISTORY, leading_to, simulated


@pytest.fixture
def platforms(tmp_path_factory: pytest.TempPathFactory) -> Generator[Mapping[str, str]]:
    history = tmp_path_factory.mktemp("platforms") / "history.csv"
    history.write_text(HISTORY)
    with simulated(history) as addresses:
        yield addresses


def canary(handle: str, expected: Status, doubted_since: datetime | None = None) -> Canary:
    account = Account(AccountId(1), X, "1", handle)
    return Canary(
        account, expected, "", Origin.CHOSEN, T0, int(doubted_since is not None), doubted_since, None
    )


@pytest.mark.parametrize(
    ("chosen", "verdict", "words"),
    [
        ([], "no_data", "None yet. Blockline chooses stable accounts at the first reading."),
        (
            [canary("a", Status.AVAILABLE), canary("b", Status.AVAILABLE), canary("c", Status.SUSPENDED)],
            "ok",
            "Chosen by Blockline: 2 stable, 1 suspended.",
        ),
        (
            [canary("a", Status.AVAILABLE, T0)],
            "advice",
            "Chosen by Blockline: 1 stable, 0 suspended. Accounts with an unexpected status: @a since "
            "2021-02-01 00:00 UTC. Blockline replaces an account that keeps such a status.",
        ),
    ],
    ids=["none", "some", "one that is doubted"],
)
def test_chosen_control_accounts_are_counted(chosen: list[Canary], verdict: str, words: str) -> None:
    found = chosen_finding(X, chosen)
    assert (found.verdict.value, found.said) == (verdict, words)


@pytest.mark.parametrize(
    ("asked", "answered", "verdict", "words"),
    [
        pytest.param(None, None, "no_data", "No reading is stored yet.", id="none"),
        pytest.param(
            T0,
            None,
            "no_data",
            "No request gave a reading yet. The newest is of 2021-02-01 00:00:00 UTC.",
            id="a missed attempt is no reading",
        ),
        pytest.param(
            T0,
            T0 - timedelta(hours=5),
            "ok",
            "The newest reading is of 2021-01-31 19:00:00 UTC, 5 h ago.",
            id="the newest reading, with its age",
        ),
        pytest.param(T0 + timedelta(hours=1), None, "mend", "is in the future", id="the future"),
    ],
)
def test_only_an_answer_shows_that_readings_are_well(
    asked: datetime | None, answered: datetime | None, verdict: str, words: str
) -> None:
    found = future_finding(asked, answered, T0)
    assert found.verdict.value == verdict
    assert words in found.said


async def test_a_stream_that_is_switched_off_is_nothing_to_mend() -> None:
    settings = settings_from({"bluesky_jetstream": ""})
    (found,) = await connection_of(BLUESKY).further_findings(settings, reach_of(settings), system_clock())
    assert found.verdict is FindingLevel.NOT_SET_UP


async def test_what_reading_follows_costs_is_said_before_it_is_paid(
    pool: Pool, dsn: str, platforms: Mapping[str, str], now: datetime
) -> None:
    async with transaction(pool) as conn:
        await add_executive(conn, X, "1002", "Beta", "Bea Ta", "CEO", now)
    settings = load_settings(None, leading_to(platforms) | {"BLOCKLINE_X_FOLLOWS_EVERY": "1d"})
    found = {finding.part: finding for finding in await watch_findings(settings, dsn, system_clock)}
    assert found["X follows"].said.startswith("Reading whom 1 executive follows costs about $")


@pytest.mark.parametrize(("major", "verdict"), [(16, "mend"), (17, "ok"), (18, "ok")])
def test_postgres_must_be_17_or_newer(major: int, verdict: str) -> None:
    server = DatabaseServer(f"{major}.1", major, system_clock())
    assert doctor._version(server, "postgresql://u:secret@db:5433/x").verdict == verdict
