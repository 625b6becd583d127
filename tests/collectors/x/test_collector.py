"""The X collector over real sockets: what it sends and what it survives."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from aiohttp import web

from collectors.core.collector import RequestFailure
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.history import History, settled
from collectors.simulator.platform_simulator import simulator_of
from collectors.x.collector import XCollector
from collectors.x.declaration import X
from collectors.x.simulator.app import XServer, serve_x
from collectors.x.simulator.rate_limits import DOCUMENTED_LIMITS
from storage.model.core.availability import MissedReason, State, Status
from tests.support.repeats import repeats
from tests.support.samples.readings import MINUTE, T0
from tests.support.samples.x_answers import CROWD, HOUR, one
from tests.support.simulated.scripted_x import ONCE, TOKEN, USERS, collector, plain, scripted


async def test_a_cancelled_read_is_not_an_answer() -> None:
    history = History((settled(X, "7", [(T0, State(Status.AVAILABLE), "a")]),))
    async with (
        serve_x(history, faults=FaultPlan({FaultKind.HANG: 100_000}, hang_s=30)) as server,
        collector(server.base_url) as x,
    ):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(x.read(["7"], T0), 0.05)


# ids -----------------------------------------------------------------------------------------------------


async def test_an_id_that_cannot_be_one_is_missed_and_not_sent() -> None:
    async with scripted(plain(200, USERS)) as server, collector(server.base_url) as x:
        odd = ["", "a", "7,8", "-1", "1" * 20, "７"]
        answer = await x.read([*odd, "7"], T0)
        assert [request.rel_url.query["ids"] for request in server.asked] == ["7"]
        assert [miss.native_id for miss in answer.missed] == odd
        assert {miss.reason for miss in answer.missed} == {MissedReason.BAD_REQUEST}
        assert [reading.native_id for reading in answer.readings] == ["7"]
        nothing = await x.read(odd, T0)
        assert len(nothing.missed) == len(odd)
        assert nothing.trouble is None
        assert len(server.asked) == 1


async def test_more_accounts_than_x_answers_are_refused() -> None:
    async with collector("http://127.0.0.1:9") as x:
        with pytest.raises(ValueError, match="at most 100"):
            await x.read([str(n) for n in range(101)], T0)


def refusing(bad: set[str]) -> Callable[[web.BaseRequest], web.Response]:
    """X as it is with ids that it calls malformed: one of them fails the whole request."""

    def script(request: web.BaseRequest) -> web.Response:
        ids = request.rel_url.query["ids"].split(",")
        if bad & set(ids):
            return web.Response(status=400, body=b'{"errors":null}')
        users = [{"id": native_id, "username": "a", "protected": False} for native_id in ids]
        return web.Response(body=json.dumps({"data": users}).encode())

    return script


@pytest.mark.parametrize("position", [0, 37, 99])
async def test_one_id_that_x_refuses_is_found_and_the_others_are_read(position: int) -> None:
    ids = [str(n) for n in range(100)]
    async with scripted(refusing({ids[position]})) as server, collector(server.base_url) as x:
        answer = await x.read(ids, T0)
    assert [miss.native_id for miss in answer.missed] == [ids[position]]
    assert len(answer.readings) == 99
    assert answer.trouble is None
    assert len(server.asked) <= 17
    assert x.evidence(answer.exchanges, ["50", "51"])
    (last,) = answer.exchanges
    # The answer that counts came after all that looked for the id.
    assert timedelta() < last.asked_after < last.answered_after


async def test_a_refused_batch_is_not_halved_when_no_request_is_left() -> None:
    left = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(T0.timestamp()) + 300)}
    script = plain(400, b'{"errors":null}', **left)
    async with scripted(script) as server, collector(server.base_url) as x:
        answer = await x.read(["7", "8"], T0)
    assert len(server.asked) == 1
    assert [miss.reason for miss in answer.missed] == [MissedReason.RATE_LIMITED] * 2
    assert answer.trouble is not None
    assert answer.trouble.retry_at == T0 + 5 * MINUTE


# secrets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "two words", "line\n" + TOKEN, "ключ"])
def test_a_token_that_cannot_be_one_is_refused_without_being_repeated(token: str) -> None:
    with pytest.raises(ValueError, match="bearer token") as refusal:
        XCollector(token)
    assert TOKEN not in str(refusal.value)


SLOT = timedelta(minutes=15)
SLOTS = repeats(8, 96)
"""Two hours, or a day."""
IDS = [str(10**9 + n) for n in range(20_000)]
EVERYBODY = History(
    tuple(settled(X, i, [(T0, State(Status.AVAILABLE), f"n{i}")]) for i in IDS),
)


@pytest.mark.slow
@pytest.mark.again
async def test_twenty_thousand_accounts_every_quarter_hour_meet_no_refusal() -> None:
    rosters = [IDS[start : start + 98] for start in range(0, len(IDS), 98)]
    assert len(rosters) == 205
    async with serve_x(EVERYBODY, limit=DOCUMENTED_LIMITS) as server, collector(server.base_url) as x:
        for slot in range(SLOTS):
            now = T0 + slot * SLOT
            server.set_clock(now)
            for roster in rosters:
                assert len((await x.read(roster, now)).readings) == len(roster)
        assert server.counts["users"] == {
            "requests": SLOTS * 205,
            "ids": SLOTS * 20_000,
            "refused": 0,
        }


async def test_requests_side_by_side_stop_at_the_limit_and_not_after_it() -> None:
    async with serve_x(EVERYBODY, limit=60) as server, collector(server.base_url) as x:
        at_once = asyncio.Semaphore(8)

        async def is_sent(native_id: str, now: datetime) -> bool:
            async with at_once:
                return (await x.read([native_id], now)).sent

        for slot in range(3):
            now = T0 + slot * SLOT
            server.set_clock(now)
            sent = await asyncio.gather(*(is_sent(i, now) for i in IDS[:100]))
            assert 60 - 8 <= sum(sent) <= 60
        assert server.counts["users"]["refused"] == 0


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
