"""What of an installation works: a word is only said for what was seen, and a fault names what to do."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from dashboard.asgi.settings import DashboardSettings
from dashboard.help.readiness import platform_readiness, workers_readiness
from storage.health.collectors_report import CollectorReport
from storage.health.workers_report import WorkersReport
from storage.model.core.accounts import Platform
from storage.work.workers import Worker
from tests.support.samples.readings import MINUTE, T0, WORKING
from tests.support.servers.dashboard import SETTINGS

SECOND = timedelta(seconds=1)
NONE = WorkersReport((), (), ())
KEYED = replace(SETTINGS, keys={X: "x_bearer_token"})
UNKEYED = replace(KEYED, missing_keys=frozenset([X]))
HERE = Worker(UUID(int=1), "host 1", "office", ("x", "bluesky"), T0 - MINUTE, T0 - 2 * SECOND, 0 * SECOND)
WRONG = replace(HERE, name="host 2", seen_at=T0 - 2 * SECOND + 9 * MINUTE, clock_off=9 * MINUTE)
GONE = replace(HERE, name="host 3", seen_at=T0 - 40 * SECOND)


def of(*workers: Worker) -> WorkersReport:
    return WorkersReport(workers, (), ())


@pytest.mark.parametrize(
    ("platform", "reports", "workers", "settings", "status", "words", "mark"),
    [
        pytest.param(
            BLUESKY, [], NONE, KEYED, "Ready", "No key is needed. Nothing was asked yet.", "never",
            id="a platform without a key is ready, and nothing more is claimed before it answered",
        ),
        pytest.param(
            X, [], NONE, UNKEYED, "Needs a key", "Set x_bearer_token; docs/how-to/first-run.md", "stopped",
            id="a missing key is named by its setting, with where to read how to get it",
        ),
        pytest.param(
            X, [], NONE, KEYED, "Ready", "The setting x_bearer_token is set. Nothing was asked yet.", "never",
            id="a key that is set was not tried",
        ),
        pytest.param(
            X, [], of(HERE), UNKEYED, "Ready", "A worker reads it. Nothing was asked yet.", "never",
            id="a worker may have a key that this process lacks",
        ),
        pytest.param(
            X, [], of(GONE), UNKEYED, "Needs a key", "Set x_bearer_token", "stopped",
            id="one that was not heard lately shows nothing",
        ),
        pytest.param(
            BLUESKY, [], NONE, replace(KEYED, platforms=(X,)), "Not read", "The setting platforms", "never",
            id="a platform that the settings leave out is not read",
        ),
        pytest.param(
            X, [WORKING], NONE, UNKEYED, "OK", "Last answer 1 Feb 2021", "works",
            id="an answer is the only ground for OK, whatever the settings here say",
        ),
        pytest.param(
            X, [replace(WORKING, healthy=False, reason="auth", since=T0)], NONE, KEYED, "Failing",
            "key refused", "stopped",
            id="a refused key is failing, and says so",
        ),
        pytest.param(
            X, [replace(WORKING, last_answered_at=None)], NONE, KEYED, "Silent",
            "no answer yet to any request", "stopped",
            id="asked and never answered is not OK",
        ),
    ],
)  # fmt: skip
def test_a_platform_is_called_what_was_seen_of_it(
    platform: Platform,
    reports: list[CollectorReport],
    workers: WorkersReport,
    settings: DashboardSettings,
    status: str,
    words: str,
    mark: str,
) -> None:
    found = platform_readiness(platform, reports, workers, settings, T0 + MINUTE if reports else T0)
    assert (found.status, found.mark) == (status, mark)
    assert words.lower() in found.said.lower()


@pytest.mark.parametrize(
    ("workers", "status", "words"),
    [
        pytest.param(NONE, "None heard", "Start one with", id="nobody was heard: what to start"),
        pytest.param(of(GONE), "None heard", "in the last 15 s", id="an old report is no running process"),
        pytest.param(of(HERE), "Running", "can read Bluesky, X", id="who reported is running"),
        pytest.param(of(WRONG), "Failing", "clock is wrong", id="a wrong clock reads nothing"),
        pytest.param(of(HERE, GONE), "Running", "host 1 reported", id="only those that were heard count"),
    ],
)
def test_a_process_that_reads_is_only_said_to_run_when_it_reported(
    workers: WorkersReport, status: str, words: str
) -> None:
    found = workers_readiness(workers, T0, synthetic=False)
    assert found.status == status
    assert words in found.said


@pytest.mark.parametrize(
    ("workers", "status", "mark"),
    [
        pytest.param(NONE, "Not set up", "never", id="the demonstration reads by itself and needs no worker"),
        pytest.param(of(HERE), "Running", "works", id="a worker that reads for it is shown"),
    ],
)
def test_the_demonstration_is_not_said_to_lack_workers(
    workers: WorkersReport, status: str, mark: str
) -> None:
    found = workers_readiness(workers, T0, synthetic=True)
    assert (found.status, found.mark) == (status, mark)
