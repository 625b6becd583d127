"""How Bluesky's simulator misbehaves: every kind of fault, lies, outages, and when it does not."""

import asyncio
import json
from datetime import timedelta

import aiohttp
import pytest
from yarl import URL

from collectors.bluesky.simulator.app import BlueskyServer, serve_bluesky
from collectors.bluesky.simulator.faults import STRANGER
from collectors.bluesky.wire.regional_labelers import MAIN_LABELER, SHIPPED_REGIONS
from collectors.simulator.faults import FaultKind, FaultPlan, Flapping, Glitch
from tests.support.samples.readings import SUSPENDED, T0
from tests.support.simulated.bluesky_cast import ALICE, BOB, CAROL, DAVE, HOUR, NOBODY, WITHHELD, asked, cast
from tests.support.simulated.bluesky_cast import profile as alone
from tests.support.simulated.bluesky_cast import profiles as batch
from tests.support.simulated.bluesky_cast import repo_status as at_host

EVERY_SERVER = (batch(ALICE, BOB), alone(ALICE), at_host(ALICE), f"/{ALICE}")


def always(kind: FaultKind) -> FaultPlan:
    """The fault meets every request."""
    return FaultPlan({kind: 100_000}, hang_s=0.01, slow_s=0.01)


async def met(server: BlueskyServer, path: str) -> str:
    """What comes for a request, in short."""
    async with aiohttp.ClientSession() as session:
        try:
            url = URL(server.base_url + path, encoded=True)
            async with session.get(url, allow_redirects=False) as response:
                body = await response.text()
        except aiohttp.ServerDisconnectedError:
            return "cut"
    if response.status != 200:
        limit = response.headers.get("ratelimit-reset")
        known = "" if limit is None or "Repo" in path else " until"
        form = "json" if response.content_type == "application/json" else "html"
        return f"{response.status} {form}{known}"
    try:
        return f"200 {'null' if json.loads(body) is None else 'json'}"
    except ValueError:
        return f"200 {'html' if body.startswith('<') else 'broken' if body else 'empty'}"


WHOLE = {
    FaultKind.RESET: "cut",
    FaultKind.HANG: "cut",
    FaultKind.UNAUTHORIZED: "401 json",
    FaultKind.FORBIDDEN: "403 json",
    FaultKind.LIMIT_WITHOUT_RESET: "429 json",
    FaultKind.LIMIT_PAST_RESET: "429 json until",
    FaultKind.LIMIT_ABSURD_RESET: "429 json until",
    FaultKind.LIMIT_HTML: "429 html",
    FaultKind.UNAVAILABLE_HTML: "503 html",
    FaultKind.UNAVAILABLE_JSON: "503 json",
    FaultKind.UNKNOWN_PATH: "501 json",
    FaultKind.REDIRECT: "302 html",
    FaultKind.BAD_REQUEST: "400 json",
    FaultKind.TRUNCATED: "200 broken",
    FaultKind.HTML: "200 html",
    FaultKind.EMPTY: "200 empty",
    FaultKind.NULL: "200 null",
}
NONE = {
    FaultKind.CREDITS,
    FaultKind.USAGE_CAPPED,
    FaultKind.EXPIRED_PAGE,
    FaultKind.NO_PROTECTED,
    FaultKind.NEW_HOST,
    FaultKind.SLOW,
}
OF_SOME = {
    FaultKind.OMITTED,
    FaultKind.CONTRADICTORY,
    FaultKind.ODD_ERROR,
    FaultKind.ODD_WITHHELD,
    FaultKind.FOREIGN_ERROR,
    FaultKind.ALL_NOT_FOUND,
    FaultKind.HOST_DOWN,
    FaultKind.LABELER_SILENT,
    FaultKind.LABELS_DROPPED,
}


def test_every_kind_of_fault_has_its_place_here() -> None:
    assert {*WHOLE, *NONE, *OF_SOME} == set(FaultKind)


@pytest.mark.parametrize(("kind", "want"), WHOLE.items())
async def test_a_fault_of_the_whole_request_hits_every_server(kind: FaultKind, want: str) -> None:
    async with serve_bluesky(cast(NOBODY), faults=always(kind)) as server:
        for path in EVERY_SERVER:
            got = await met(server, path)
            # The server of the accounts states its limits in every answer.
            assert got.removesuffix(" until") == want.removesuffix(" until")
            assert path == at_host(ALICE) or got == want


@pytest.mark.parametrize("kind", sorted(NONE))
async def test_what_has_no_counterpart_on_bluesky_changes_no_answer(kind: FaultKind) -> None:
    async with (
        serve_bluesky(cast(NOBODY), now=T0, pds="https://pds.example.com") as healthy,
        serve_bluesky(cast(NOBODY), now=T0, pds="https://pds.example.com", faults=always(kind)) as server,
    ):
        for path in EVERY_SERVER:
            status, _, body = await asked(server, path)
            assert (status, body) == (200, (await asked(healthy, path))[2])


async def shown(server: BlueskyServer) -> set[str]:
    """Which of alice, bob and carol a batch shows."""
    return {item["did"] for item in (await asked(server, batch(ALICE, BOB, CAROL)))[2]["profiles"]}


async def test_an_omitted_account_is_there_when_it_is_asked_for_alone() -> None:
    async with serve_bluesky(cast(NOBODY), faults=always(FaultKind.OMITTED)) as server:
        (left_out,) = {ALICE, BOB, CAROL} - await shown(server)
        assert (await asked(server, alone(left_out)))[0] == 200


@pytest.mark.parametrize("kind", [FaultKind.CONTRADICTORY, FaultKind.ODD_ERROR])
async def test_what_hits_one_account_in_a_batch_meets_it_again_alone_until_the_clock_moves(
    kind: FaultKind,
) -> None:
    faults = FaultPlan({kind: 60_000}, seed=5)
    error = {FaultKind.CONTRADICTORY: "InvalidRequest", FaultKind.ODD_ERROR: "AccountUnderReview"}[kind]
    async with serve_bluesky(cast(NOBODY), faults=faults, now=T0) as server:
        for minute in range(40):
            server.set_clock(T0 + timedelta(minutes=minute))
            for left_out in {ALICE, BOB, CAROL} - await shown(server):
                assert (await asked(server, alone(left_out)))[2]["error"] == error
                held = (await asked(server, at_host(left_out)))[2]
                assert kind is FaultKind.ODD_ERROR or held["active"]


async def test_odd_labels_are_no_list() -> None:
    async with serve_bluesky(cast(NOBODY), faults=always(FaultKind.ODD_WITHHELD)) as server:
        odd = [p["labels"] for p in (await asked(server, batch(ALICE, BOB)))[2]["profiles"]]
        assert sorted(map(str, odd)) == ["!hide", "[]"]
        assert (await asked(server, alone(ALICE)))[2]["labels"] == "!hide"


async def test_a_stranger_comes_with_a_batch() -> None:
    async with serve_bluesky(cast(NOBODY), faults=always(FaultKind.FOREIGN_ERROR)) as server:
        assert await shown(server) == {ALICE, BOB, CAROL, STRANGER}


async def test_when_the_app_view_knows_nobody_it_does_so_in_every_answer_of_that_minute() -> None:
    faults = FaultPlan({FaultKind.ALL_NOT_FOUND: 50_000}, seed=2)
    minutes: list[bool] = []
    async with serve_bluesky(cast({DAVE: SUSPENDED}), faults=faults, now=T0) as server:
        for minute in range(30):
            knows: set[bool] = set()
            for second in range(0, 60, 20):
                server.set_clock(T0 + timedelta(minutes=minute, seconds=second))
                knows.add(await shown(server) == {ALICE, BOB, CAROL})
                knows.add((await asked(server, alone(ALICE)))[0] == 200)
                knows.add((await asked(server, alone(DAVE)))[2]["error"] == "AccountTakedown")
                assert (await asked(server, at_host(ALICE)))[2]["active"]
            minutes += knows
    assert len(minutes) == 30
    assert set(minutes) == {True, False}


async def test_a_host_that_is_down_leaves_the_app_view_and_the_directory_up() -> None:
    async with serve_bluesky(cast(NOBODY), faults=always(FaultKind.HOST_DOWN)) as server:
        assert [await met(server, path) for path in EVERY_SERVER] == [
            "200 json",
            "200 json",
            "503 json",
            "200 json",
        ]


async def test_a_silent_labeler_is_missing_from_the_header_and_with_it_its_labels() -> None:
    accept = {"atproto-accept-labelers": ", ".join([f"{MAIN_LABELER};redact", *SHIPPED_REGIONS.values()])}
    missing: set[str] = set()
    async with serve_bluesky(cast({ALICE: WITHHELD}), faults=always(FaultKind.LABELER_SILENT)) as server:
        for minute in range(60):
            server.set_clock(T0 + timedelta(minutes=minute))
            _, headers, body = await asked(server, batch(ALICE), accept)
            heard = headers["atproto-content-labelers"].split(",")
            (silent,) = set(SHIPPED_REGIONS.values()) - set(heard)
            assert bool(body["profiles"][0]["labels"]) == (silent != SHIPPED_REGIONS["TR"])
            missing.add(silent)
        assert SHIPPED_REGIONS["TR"] in missing
        assert len(missing) > 3


async def test_dropped_labels_leave_every_labeler_in_the_header() -> None:
    accept = {"atproto-accept-labelers": ", ".join([f"{MAIN_LABELER};redact", *SHIPPED_REGIONS.values()])}
    history = cast({ALICE: WITHHELD})
    async with (
        serve_bluesky(history, faults=always(FaultKind.LABELS_DROPPED)) as server,
        serve_bluesky(history) as healthy,
    ):
        for path in (batch(ALICE, BOB), alone(ALICE)):
            _, said, body = await asked(server, path, accept)
            _, says, shows = await asked(healthy, path, accept)
            assert said["atproto-content-labelers"] == says["atproto-content-labelers"]
            (first, *_), (true, *_) = (b.get("profiles", [b]) for b in (body, shows))
            assert (first["labels"], len(true["labels"])) == ([], 1)
        listed = (await asked(server, f"/xrpc/com.atproto.label.queryLabels?uriPatterns={ALICE}"))[2]
        assert len(listed["labels"]) == 1


@pytest.mark.parametrize(
    "faults",
    [
        FaultPlan(glitches=(Glitch(T0, T0 + HOUR, share=1.0),)),
        FaultPlan(flapping=Flapping(share=1.0, window=timedelta(minutes=15))),
    ],
)
async def test_a_lie_is_told_by_the_app_view_and_by_the_host_alike(faults: FaultPlan) -> None:
    async with serve_bluesky(cast(NOBODY), faults=faults, now=T0) as server:
        assert await shown(server) == set()
        assert (await asked(server, alone(ALICE)))[2]["message"] == "Profile not found"
        assert (await asked(server, at_host(ALICE)))[2]["error"] == "RepoNotFound"
        assert (await asked(server, f"/{ALICE}"))[0] == 200
        if faults.glitches:
            server.set_clock(T0 + HOUR)
            assert await shown(server) == {ALICE, BOB, CAROL}


async def test_a_slow_answer_and_a_hanging_one_take_their_time_without_holding_up_others() -> None:
    async with serve_bluesky(cast(NOBODY), faults=always(FaultKind.SLOW)) as server:
        answers = await asyncio.gather(*(met(server, path) for path in EVERY_SERVER * 5))
        assert set(answers) == {"200 json"}
