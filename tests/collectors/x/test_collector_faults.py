"""The X collector against the simulator at its worst: no fault becomes a reading that is not true."""

from datetime import datetime

import pytest

from collectors.core.collector import RequestFailure
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.platform_simulator import simulator_of
from collectors.x.collector import XCollector
from collectors.x.declaration import X
from collectors.x.simulator.app import XServer, serve_x
from storage.model.core.availability import MissedReason, Status
from tests.support.samples.readings import T0
from tests.support.samples.x_answers import CROWD, HOUR, one
from tests.support.simulated.scripted_x import ONCE

OTHER = "2244994945"


REASONS = {
    FaultKind.RESET: MissedReason.NETWORK,
    FaultKind.HANG: MissedReason.NETWORK,
    FaultKind.UNAUTHORIZED: MissedReason.AUTH,
    FaultKind.CREDITS: MissedReason.CREDITS,
    FaultKind.FORBIDDEN: MissedReason.ACCESS,
    FaultKind.LIMIT_WITHOUT_RESET: MissedReason.RATE_LIMITED,
    FaultKind.LIMIT_PAST_RESET: MissedReason.RATE_LIMITED,
    FaultKind.LIMIT_ABSURD_RESET: MissedReason.RATE_LIMITED,
    FaultKind.LIMIT_HTML: MissedReason.RATE_LIMITED,
    FaultKind.USAGE_CAPPED: MissedReason.USAGE_CAPPED,
    FaultKind.UNAVAILABLE_HTML: MissedReason.UPSTREAM,
    FaultKind.UNAVAILABLE_JSON: MissedReason.UPSTREAM,
    FaultKind.UNKNOWN_PATH: MissedReason.UPSTREAM,
    FaultKind.REDIRECT: MissedReason.UPSTREAM,
    FaultKind.BAD_REQUEST: MissedReason.BAD_REQUEST,
    FaultKind.TRUNCATED: MissedReason.MALFORMED,
    FaultKind.HTML: MissedReason.MALFORMED,
    FaultKind.EMPTY: MissedReason.MALFORMED,
    FaultKind.NULL: MissedReason.MALFORMED,
    FaultKind.OMITTED: MissedReason.OMITTED,
    FaultKind.CONTRADICTORY: MissedReason.CONTRADICTORY,
    FaultKind.ODD_ERROR: MissedReason.UNCLASSIFIED,
    FaultKind.NO_PROTECTED: MissedReason.MALFORMED,
    FaultKind.ODD_WITHHELD: MissedReason.MALFORMED,
    FaultKind.EXPIRED_PAGE: None,
    FaultKind.FOREIGN_ERROR: None,
    FaultKind.NEW_HOST: None,
    FaultKind.SLOW: None,
    FaultKind.HOST_DOWN: None,
    FaultKind.LABELER_SILENT: None,
    FaultKind.LABELS_DROPPED: None,
}
LIES = {FaultKind.ALL_NOT_FOUND}
"""No collector can tell them from the truth: the control accounts in the same answer do."""
ABOUT_ONE = {
    FaultKind.OMITTED,
    FaultKind.CONTRADICTORY,
    FaultKind.ODD_ERROR,
    FaultKind.NO_PROTECTED,
    FaultKind.ODD_WITHHELD,
}


async def read_crowd(server: XServer, collector: XCollector, now: datetime) -> tuple[int, list[MissedReason]]:
    """Reads the whole crowd; every reading must be the truth, every account answered for once."""
    server.set_clock(now)
    truth = {a.native_id: simulator_of(X).visible(a.at(now)) for a in CROWD.accounts}
    answer = await collector.read(list(truth), now)
    assert {r.native_id: r.state for r in answer.readings}.items() <= truth.items()
    assert sorted(said.native_id for said in (*answer.readings, *answer.missed)) == sorted(truth)
    return len(answer.readings), [miss.reason for miss in answer.missed]


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind not in LIES])
async def test_no_fault_makes_a_reading_that_differs_from_the_truth(kind: FaultKind) -> None:
    faults = FaultPlan({kind: 100_000}, hang_s=0.01)
    async with (
        serve_x(CROWD, faults=faults) as server,
        XCollector("t", base_url=server.base_url, http=ONCE) as collector,
    ):
        for n in range(12):
            seen, missed = await read_crowd(server, collector, T0 + n * HOUR)
            reason = REASONS[kind]
            assert set(missed) == ({reason} if reason else set())
            assert seen == (60 if reason is None else 59 if kind in ABOUT_ONE else 0)


async def test_an_answer_that_nobody_exists_takes_the_control_accounts_with_it() -> None:
    stable = one(OTHER, "canary", Status.AVAILABLE)
    async with (
        serve_x(stable, faults=FaultPlan({FaultKind.ALL_NOT_FOUND: 100_000})) as server,
        XCollector("t", base_url=server.base_url, http=ONCE) as collector,
    ):
        (reading,) = (await collector.read([OTHER], T0)).readings
        assert reading.state.status is Status.NOT_FOUND
        assert (await collector.follows(OTHER, T0)) == RequestFailure(
            MissedReason.ACCESS,
            f"Not Found Error: Could not find user with id: [{OTHER}].",
            T0,
            breaker=False,
        )
