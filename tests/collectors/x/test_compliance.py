"""Compliance jobs of X: why vanished accounts are gone, as a side fact with its interval, never a status."""

import json

import pytest
from aiohttp import web

from collectors.core.collector import RequestFailure
from collectors.core.wire import WireFault
from collectors.simulator.history import History, settled
from collectors.x.compliance import XCompliance
from collectors.x.declaration import X
from collectors.x.simulator.app import serve_x
from collectors.x.simulator.compliance import READY_AFTER
from collectors.x.wire.compliance import JobStatus, read_job, read_reasons
from storage.model.core.availability import MissedReason, State, Status
from tests.support.samples.readings import T0
from tests.support.samples.x_answers import ID, OTHER, body
from tests.support.simulated.scripted_x import JOB, TOKEN, app, plain, scripted


def lines(*items: object) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


def event(native_id: str, reason: object = "deactivated") -> dict[str, object]:
    return {"id": native_id, "action": "delete", "created_at": "2021-02-01T00:00:00.000Z", "reason": reason}


# the wire ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        pytest.param(403, b"{}", MissedReason.ACCESS, id="403: the plan has no compliance jobs"),
        pytest.param(404, b"", MissedReason.ACCESS, id="404: the plan has no compliance jobs"),
        pytest.param(401, b"", MissedReason.AUTH, id="a bad token"),
        pytest.param(402, b"", MissedReason.CREDITS, id="no credits"),
        pytest.param(429, b"", MissedReason.RATE_LIMITED, id="a rate limit"),
        pytest.param(503, b"<html>", MissedReason.UPSTREAM, id="X is down"),
        pytest.param(200, b"", MissedReason.MALFORMED, id="an empty 200 is no job"),
        pytest.param(200, body(data=[JOB]), MissedReason.MALFORMED, id="an array is no job"),
        pytest.param(200, body(data={**JOB, "id": 5}), MissedReason.MALFORMED, id="an id that is a number"),
        pytest.param(200, body(data={**JOB, "id": "../7"}), MissedReason.MALFORMED, id="an id with a path"),
        pytest.param(
            200, body(data={**JOB, "upload_url": None}), MissedReason.MALFORMED, id="no address to upload to"
        ),
        pytest.param(
            200, body(data={**JOB, "status": "paused"}), MissedReason.UNCLASSIFIED, id="an unknown state"
        ),
    ],
)
def test_what_is_no_job_is_a_fault_with_its_reason(status: int, answer: bytes, reason: MissedReason) -> None:
    said = read_job(status, answer)
    assert isinstance(said, WireFault)
    assert said.reason is reason


@pytest.mark.parametrize(
    ("answer", "want"),
    [
        pytest.param(b"", {}, id="an empty file: X knows of no event"),
        pytest.param(lines(event(ID)), {ID: {"deactivated"}}, id="one account with a reason"),
        pytest.param(
            lines(event(ID), event(ID, "deleted")),
            {ID: {"deactivated", "deleted"}},
            id="two events of one account are both kept",
        ),
        pytest.param(lines(event("1")), {}, id="an account that was not asked for is passed over"),
        pytest.param(lines(event(ID, "new_reason")), {ID: {"new_reason"}}, id="a reason X adds is kept"),
        pytest.param(lines(event(ID))[:-1], {ID: {"deactivated"}}, id="the last line may lack its end"),
        pytest.param(b"\n\r\n" + lines(event(ID)), {ID: {"deactivated"}}, id="empty lines do not matter"),
    ],
)
def test_a_file_gives_the_reasons_of_the_accounts_asked(answer: bytes, want: dict[str, set[str]]) -> None:
    assert read_reasons(200, answer, {ID, OTHER}) == want


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        pytest.param(200, lines(event(ID))[:-9], id="a truncated line"),
        pytest.param(200, lines(event(ID), [1]), id="a line that is no object"),
        pytest.param(200, lines({"id": ID}), id="a line without a reason"),
        pytest.param(200, lines(event(ID, "<script>")), id="a reason that is no word"),
        pytest.param(200, lines({"id": 5, "reason": "deleted"}), id="an id that is a number"),
        pytest.param(200, b"<Error>NoSuchKey</Error>", id="a page of the storage"),
        pytest.param(404, lines(event(ID)), id="404"),
        pytest.param(302, b"", id="a redirect"),
    ],
)
def test_a_file_is_used_whole_or_not_at_all(status: int, answer: bytes) -> None:
    assert isinstance(read_reasons(status, answer, {ID}), WireFault)


# over real sockets ---------------------------------------------------------------------------------------

GONE = History(
    (
        settled(X, "7", [(T0, State(Status.DEACTIVATED), "a")]),
        settled(X, "8", [(T0, State(Status.NOT_FOUND), "b")]),
        settled(X, "9", [(T0, State(Status.AVAILABLE), "c")]),
    )
)


async def test_a_job_goes_from_ids_to_reasons() -> None:
    async with serve_x(GONE, now=T0) as server, app(server.base_url) as x:
        job = await x.start(["7", "8", "9"], "blockline-2021-02-01", T0)
        assert isinstance(job, str)
        assert await x.result(job, {"7"}, T0) is JobStatus.IN_PROGRESS
        server.set_clock(T0 + READY_AFTER)
        assert await x.result(job, {"7", "8", "9"}, T0) == {"7": {"deactivated"}, "8": {"deleted"}}


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://127.0.0.1/up", id="an address of our own network"),
        pytest.param("https://localhost/up", id="a name that leads into it"),
        pytest.param("http://storage.example/up", id="without TLS"),
        pytest.param("file:///etc/passwd", id="no server at all"),
        pytest.param("not a url", id="no address at all"),
    ],
)
async def test_ids_go_to_a_public_server_by_https_only(url: str) -> None:
    job = {**JOB, "upload_url": url, "download_url": url, "status": "complete"}
    async with scripted(plain(200, body(data=job))) as server, app(server.base_url, trusted=()) as x:
        said = await x.start(["7"], "n", T0)
        assert isinstance(said, RequestFailure)
        assert said.reason is MissedReason.NETWORK
        assert len(server.asked) == 1
        said = await x.result("1", {"7"}, T0)
        assert isinstance(said, RequestFailure)
        assert said.reason is MissedReason.NETWORK
        assert len(server.asked) == 2


@pytest.mark.parametrize("status", [401, 403, 500, 302])
async def test_a_refused_upload_is_trouble_and_is_not_repeated(status: int) -> None:
    def script(request: web.BaseRequest) -> web.Response:
        if request.method == "POST":
            return web.Response(body=body(data={**JOB, "upload_url": f"{server.base_url}/up"}))
        return web.Response(status=status)

    async with scripted(script) as server, app(server.base_url) as x:
        said = await x.start(["7"], "n", T0)
        assert isinstance(said, RequestFailure)
        assert not said.breaker
        assert len(server.asked) == 2


def test_a_token_that_cannot_be_one_is_refused_without_being_repeated() -> None:
    with pytest.raises(ValueError, match="bearer token") as refusal:
        XCompliance("line\n" + TOKEN)
    assert TOKEN not in str(refusal.value)
