"""What executives did, page by page, and which handle is whose: over real sockets."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from aiohttp import web

from collectors.core.collector import ResolvedHandle, UnresolvedReason
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.history import History, settled
from collectors.x.collector import MAX_PAGES, Resolution
from collectors.x.declaration import X
from collectors.x.simulator.app import serve_x
from collectors.x.simulator.payloads import CLIENT_FORBIDDEN
from storage.model.core.availability import MissedReason, State, Status
from storage.model.core.signals import SignalKind
from tests.support.samples.readings import MINUTE, T0
from tests.support.simulated.scripted_x import USERS, collector, scripted

AUTHOR = "310000001"
EMPTY = History(())


def posts(count: int) -> list[SimulatedAct]:
    return [
        SimulatedAct(AUTHOR, T0 + n * MINUTE, SignalKind.POST, str(10_000 + n), None, None)
        for n in range(count)
    ]


ACTS = (
    SimulatedAct(AUTHOR, T0, SignalKind.POST, "101", None, None),
    SimulatedAct(AUTHOR, T0, SignalKind.LIKE, "90", "90", "5"),
    SimulatedAct(AUTHOR, T0 + MINUTE, SignalKind.REPOST, "102", "51", "5"),
    SimulatedAct(AUTHOR, T0 + 2 * MINUTE, SignalKind.QUOTE, "103", "61", "6"),
    SimulatedAct(AUTHOR, T0 + 3 * MINUTE, SignalKind.REPLY, "104", "71", "7"),
)


@pytest.mark.parametrize("count", [1, 100, 101, 100 * MAX_PAGES, 100 * MAX_PAGES + 1, 1234])
async def test_no_act_is_lost_or_seen_twice_however_many_there_were(count: int) -> None:
    acts = posts(count + 1)
    now = acts[-1].at
    seen: list[int] = []
    async with serve_x(EMPTY, acts=acts, now=now) as server, collector(server.base_url) as x:
        cursor: str | None = acts[0].post_id
        while len(seen) < count:
            polled = await x.engagement(AUTHOR, cursor, now)
            assert polled.signals
            seen += [int(s.native_id) for s in polled.signals]
            cursor = polled.cursor
        assert sorted(seen) == [int(act.post_id) for act in acts[1:]]
        assert (await x.engagement(AUTHOR, cursor, now)).cursor == acts[-1].post_id


@pytest.mark.parametrize("status", [Status.PROTECTED, Status.SUSPENDED, Status.NOT_FOUND])
async def test_an_unreadable_author_is_trouble_of_that_author_alone(status: Status) -> None:
    history = History((settled(X, AUTHOR, [(T0, State(status), "a")]),))
    async with serve_x(history, acts=ACTS) as server, collector(server.base_url) as x:
        for _ in range(2):
            seen = await x.engagement(AUTHOR, "5", T0)
            assert seen.trouble is not None
            assert (seen.trouble.reason, seen.trouble.breaker) == (MissedReason.ACCESS, False)
            assert seen.cursor == "5"
        assert server.counts["users/:id/tweets"]["requests"] == 2


async def test_an_app_that_may_not_read_timelines_still_looks_accounts_up() -> None:
    def script(request: web.BaseRequest) -> web.Response:
        if request.path.endswith("/tweets"):
            return web.Response(status=403, body=json.dumps(dict(CLIENT_FORBIDDEN)).encode())
        return web.Response(body=USERS)

    async with scripted(script) as server, collector(server.base_url) as x:
        for _ in range(2):
            seen = await x.engagement(AUTHOR, None, T0)
            assert seen.trouble is not None
            assert (seen.trouble.reason, seen.trouble.breaker) == (MissedReason.ACCESS, False)
        assert (await x.read(["7"], T0)).readings
        assert len(server.asked) == 2


@pytest.mark.parametrize(("native_id", "cursor"), [("me", None), (AUTHOR, "yesterday")])
async def test_an_id_or_cursor_that_is_not_one_of_x_is_refused(native_id: str, cursor: str | None) -> None:
    async with collector("http://127.0.0.1:9") as x:
        with pytest.raises(ValueError, match="X"):
            await x.engagement(native_id, cursor, T0)


# handles -------------------------------------------------------------------------------------------------


async def resolved(handles: Sequence[str], **settings: Any) -> Resolution:
    history = History(
        (
            settled(X, "7", [(T0, State(Status.AVAILABLE), "Alice")]),
            settled(X, "8", [(T0, State(Status.SUSPENDED), "Bob")]),
            settled(X, "9", [(T0, State(Status.DEACTIVATED), "Carol")]),
            *(settled(X, f"{n}", [(T0, State(Status.AVAILABLE), f"n{n}")]) for n in range(100, 350)),
        )
    )
    async with serve_x(history, **settings) as server, collector(server.base_url) as x:
        return await x.resolve(handles, T0)


async def test_handles_resolve_to_ids_or_say_why_not() -> None:
    answer = await resolved(["@alice", "ALICE", "bob", "Carol", "nobody", "no-dash", "much_too_long_for_x"])
    assert answer.found == (ResolvedHandle("@alice", "7", "Alice"), ResolvedHandle("ALICE", "7", "Alice"))
    assert [(one.asked, one.why) for one in answer.unresolved] == [
        ("bob", UnresolvedReason.SUSPENDED),
        ("Carol", UnresolvedReason.NOT_FOUND),
        ("nobody", UnresolvedReason.NOT_FOUND),
        ("no-dash", UnresolvedReason.NOT_A_HANDLE),
        ("much_too_long_for_x", UnresolvedReason.NOT_A_HANDLE),
    ]
    assert answer.trouble is None
