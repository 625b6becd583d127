"""How Bluesky's simulator misbehaves: every kind of fault, lies, outages, and when it does not."""

import json
from datetime import timedelta

import aiohttp
import pytest
from yarl import URL

from collectors.bluesky.simulator.app import BlueskyServer, serve_bluesky
from collectors.bluesky.wire.regional_labelers import MAIN_LABELER, SHIPPED_REGIONS
from collectors.simulator.faults import FaultKind, FaultPlan
from tests.support.samples.readings import T0
from tests.support.simulated.bluesky_cast import ALICE, BOB, CAROL, NOBODY, WITHHELD, asked, cast
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


async def shown(server: BlueskyServer) -> set[str]:
    """Which of alice, bob and carol a batch shows."""
    return {item["did"] for item in (await asked(server, batch(ALICE, BOB, CAROL)))[2]["profiles"]}


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


async def test_a_host_that_is_down_leaves_the_app_view_and_the_directory_up() -> None:
    async with serve_bluesky(cast(NOBODY), faults=always(FaultKind.HOST_DOWN)) as server:
        assert [await met(server, path) for path in EVERY_SERVER] == [
            "200 json",
            "200 json",
            "503 json",
            "200 json",
        ]


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
