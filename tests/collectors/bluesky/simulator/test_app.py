"""The simulator against the answers recorded from Bluesky's own server software."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.simulator.app import serve_bluesky
from collectors.bluesky.wire.regional_labelers import MAIN_LABELER, SHIPPED_REGIONS
from collectors.core.wire import is_array, is_object
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.history import APP_VIEW_ONLY, History, HistoryAccount
from storage.model.core.availability import State, Status
from storage.model.core.signals import SignalKind
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, T0
from tests.support.simulated.bluesky_cast import (
    ACTS,
    ALICE,
    BOB,
    CAROL,
    DAVE,
    DEACTIVATED,
    ERIN,
    HOUR,
    MAIN,
    MODTR,
    NOBODY,
    POST,
    WITHHELD,
    account,
    asked,
    cast,
    profile,
    profiles,
    repo_status,
)
from tests.support.simulated.bluesky_cast import profile as alone
from tests.support.simulated.bluesky_cast import profiles as batch

RECORDED = Path(__file__).parent.parent.parent.parent / "fixtures" / "bluesky"
EXACT = {
    *("did", "handle", "error", "message", "val", "src", "active", "status", "neg", "$type", "actor", "uri"),
    *("type", "id", "alsoKnownAs", "serviceEndpoint", "endpoint", "nullified", "cursor"),
    *("following", "controller", "@context", "labeler", "allowSubscriptions"),
}


def shape(value: object, key: str = "") -> object:
    """The keys in their order, the values that matter, and of all others the type."""
    if is_object(value):
        return [(name, shape(item, name)) for name, item in value.items()]
    if is_array(value) and key not in EXACT:
        return [shape(item) for item in value]
    return value if key in EXACT else type(value).__name__


def said(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that matter: which labelers were heard, the type, and which limits are stated."""
    kept = {name.lower(): value for name, value in headers.items()}
    found = {name: kept[name] for name in ("content-type", "atproto-content-labelers") if name in kept}
    # The servers that were recorded had a second labeler in their settings.
    found = {name: value.replace(",did:example:labeler;redact", "") for name, value in found.items()}
    return found | {name: "" for name in kept if name.startswith("ratelimit-")}


@pytest.mark.parametrize(
    ("states", "detail", "name"),
    [
        (NOBODY, "", "get_profile__active"),
        (NOBODY, "", "get_profiles__active"),
        (NOBODY, "", "get_repo_status__active"),
        (NOBODY, "", "resolve_handle__active"),
        (NOBODY, "", "plc_document__active"),
        ({ALICE: SUSPENDED}, "", "get_profile__taken_down"),
        ({ALICE: SUSPENDED}, "", "get_profile__taken_down_by_handle"),
        ({ALICE: SUSPENDED}, "", "get_profiles__taken_down_dropped"),
        ({ALICE: SUSPENDED}, "", "get_repo_status__taken_down"),
        ({ALICE: SUSPENDED}, "", "list_records__taken_down"),
        ({ALICE: SUSPENDED}, "", "resolve_handle__taken_down"),
        ({ALICE: SUSPENDED}, "", "get_profile__moderation_takedown"),
        ({ALICE: SUSPENDED}, "", "get_repo_status__moderation_takedown"),
        ({ALICE: SUSPENDED}, "", "get_relationships__target_taken_down"),
        ({DAVE: SUSPENDED}, APP_VIEW_ONLY, "get_profile__appview_only_takedown"),
        ({DAVE: SUSPENDED}, APP_VIEW_ONLY, "get_profiles__appview_only_takedown_dropped"),
        ({DAVE: SUSPENDED}, APP_VIEW_ONLY, "get_repo_status__appview_only_takedown"),
        ({DAVE: DEACTIVATED}, "", "get_profile__deactivated"),
        ({DAVE: DEACTIVATED}, "", "get_profiles__deactivated_dropped"),
        ({DAVE: DEACTIVATED}, "", "get_repo_status__deactivated"),
        ({ERIN: NOT_FOUND}, "", "get_profile__deleted"),
        ({ERIN: NOT_FOUND}, "", "get_repo_status__deleted"),
        ({ERIN: NOT_FOUND}, "", "plc_document__deleted"),
        (NOBODY, "", "get_profile__self_deleted"),
        (NOBODY, "", "get_profile__unknown_did"),
        (NOBODY, "", "get_repo_status__unknown_did"),
        (NOBODY, "", "plc_document__unknown_did"),
        (NOBODY, "", "get_profile__unknown_handle"),
        (NOBODY, "", "resolve_handle__unknown"),
        (NOBODY, "", "get_profile__bad_input"),
        (NOBODY, "", "get_profiles__over_25"),
        (NOBODY, "", "get_profiles__one_malformed"),
        (NOBODY, "", "get_profiles__missing_and_duplicate"),
        (NOBODY, "", "unknown_method_501"),
        ({CAROL: WITHHELD, DAVE: WITHHELD}, "", "get_profiles__labels_default"),
        ({CAROL: WITHHELD, DAVE: WITHHELD}, "", "get_profiles__labels_region"),
        ({CAROL: WITHHELD, DAVE: WITHHELD}, "", "get_profiles__labels_region_redact"),
        ({CAROL: WITHHELD, DAVE: WITHHELD}, "", "get_profile__labels_region_redact"),
        ({CAROL: WITHHELD, DAVE: WITHHELD}, "", "get_profiles__labels_unknown_labeler"),
        (NOBODY, "", "get_profile__renamed"),
        (NOBODY, "", "get_profile__renamed_old_handle"),
        (NOBODY, "", "plc_audit__renamed"),
        (NOBODY, "", "list_records__likes"),
        (NOBODY, "", "list_records__reposts"),
        (NOBODY, "", "list_records__follows"),
        (NOBODY, "", "list_records__posts_reply_quote"),
        (NOBODY, "", "get_relationships__follows"),
        ({ALICE: SUSPENDED}, APP_VIEW_ONLY, "query_labels__moderation_takedown"),
    ],
)
async def test_answers_are_those_recorded_from_bluesky(
    states: Mapping[str, State], detail: str, name: str
) -> None:
    exchange = json.loads((RECORDED / f"{name}.json").read_text())
    want = exchange["response"]
    url = URL(exchange["request"]["url"], encoded=True)
    async with serve_bluesky(
        cast(states, detail),
        acts=ACTS,
        now=T0,
        regions={"TR": MODTR},
        main_labeler=MAIN,
        pds="https://pds.example.com",
    ) as server:
        status, headers, body = await asked(server, url.raw_path_qs, exchange["request"]["headers"])
    assert (status, said(headers), shape(body)) == (
        want["status"],
        said(want["headers"]),
        shape(want["body"]),
    )


async def test_a_lifted_takedown_of_the_app_is_listed_once_and_negated() -> None:
    hours = (T0, T0 + HOUR)
    lifted = HistoryAccount(
        BLUESKY,
        ALICE,
        hours,
        (SUSPENDED, AVAILABLE),
        (T0,),
        ("alice.test",),
        (),
        (APP_VIEW_ONLY, ""),
    )
    want = json.loads((RECORDED / "query_labels__moderation_takedown_reversed.json").read_text())
    path = URL(want["request"]["url"], encoded=True).raw_path_qs
    async with serve_bluesky(History((lifted,)), now=T0 + HOUR, main_labeler=MAIN) as server:
        assert shape((await asked(server, path))[2]) == shape(want["response"]["body"])


def accepting(*countries: str) -> dict[str, str]:
    wanted = [f"{MAIN_LABELER};redact", *(SHIPPED_REGIONS[country] for country in countries)]
    return {"atproto-accept-labelers": ", ".join(wanted)}


async def test_a_label_bears_the_time_from_which_its_country_withheld() -> None:
    more = account(ALICE, AVAILABLE, WITHHELD, State(Status.WITHHELD, ("IN", "TR")))
    async with serve_bluesky(History((more,)), now=T0 + 2 * HOUR) as server:
        labels = (await asked(server, profile(ALICE), accepting("IN", "TR")))[2]["labels"]
        since = {label["src"]: label["cts"] for label in labels}
        assert since == {
            SHIPPED_REGIONS["TR"]: "2021-02-01T01:00:00.000Z",
            SHIPPED_REGIONS["IN"]: "2021-02-01T02:00:00.000Z",
        }


async def test_pages_of_records_follow_each_other_and_an_undone_follow_is_gone() -> None:
    likes = [SimulatedAct(BOB, T0 + n * HOUR, SignalKind.LIKE, f"3kaaa{n}", POST, ALICE) for n in range(6)]
    follow = SimulatedAct(BOB, T0, SignalKind.FOLLOW, "3kbbb1", ALICE, ALICE)
    undone = SimulatedAct(BOB, T0 + 2 * HOUR, SignalKind.UNFOLLOW, "3kbbb2", ALICE, ALICE)
    again = SimulatedAct(BOB, T0 + 4 * HOUR, SignalKind.FOLLOW, "3kbbb3", ALICE, ALICE)
    async with serve_bluesky(History(()), acts=[*likes, follow, undone, again], now=T0 + 4 * HOUR) as server:
        path = f"/xrpc/com.atproto.repo.listRecords?repo={BOB}&limit=2&collection="
        seen: list[str] = []
        cursor = ""
        while True:
            page = (await asked(server, f"{path}app.bsky.feed.like{cursor}"))[2]
            seen += [record["uri"][-1] for record in page["records"]]
            if not page["records"]:
                assert "cursor" not in page
                break
            cursor = f"&cursor={page['cursor']}"
        assert seen == ["4", "3", "2", "1", "0"]

        async def follows() -> list[str]:
            page = (await asked(server, f"{path}app.bsky.graph.follow"))[2]
            return [record["uri"].rpartition("/")[2] for record in page["records"]]

        assert await follows() == ["3kbbb3"]
        server.set_clock(T0 + 3 * HOUR)
        assert await follows() == []
        server.set_clock(T0 + HOUR)
        assert await follows() == ["3kbbb1"]


async def test_a_post_that_answers_nothing_is_a_record_without_a_target() -> None:
    post = SimulatedAct(BOB, T0, SignalKind.POST, "3kccc1", None, None)
    async with serve_bluesky(History(()), acts=[post], now=T0) as server:
        path = f"/xrpc/com.atproto.repo.listRecords?repo={BOB}&collection=app.bsky.feed.post"
        (record,) = (await asked(server, path))[2]["records"]
        assert record["value"].keys() == {"text", "$type", "createdAt"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (profiles(), 400),
        ("/xrpc/app.bsky.actor.getProfile", 400),
        (repo_status("alice"), 400),
        ("/xrpc/com.atproto.identity.resolveHandle?handle=alice", 400),
        (f"/xrpc/com.atproto.repo.listRecords?repo={ALICE}", 400),
        (f"/xrpc/com.atproto.repo.listRecords?repo={ALICE}&collection=c&limit=101", 400),
        ("/xrpc/com.atproto.label.queryLabels", 400),
        ("/xrpc/com.atproto.label.queryLabels?uriPatterns=*&limit=x", 400),
        ("/xrpc/app.bsky.graph.getRelationships?actor=nobody.test", 400),
        (f"/xrpc/app.bsky.graph.getRelationships?actor={ALICE}" + f"&others={BOB}" * 31, 400),
        ("/xrpc/app.bsky.actor.searchActors?q=a", 501),
        ("/nothing", 404),
        ("/_simulator/nothing", 404),
    ],
)
async def test_what_bluesky_refuses_is_refused(path: str, status: int) -> None:
    async with serve_bluesky(cast(NOBODY)) as server, aiohttp.ClientSession(server.base_url) as session:
        async with session.get(URL(path, encoded=True)) as response:
            assert response.status == status
        async with session.post(URL(path, encoded=True)) as response:
            assert response.status in {404, 405}


async def test_a_follow_goes_both_ways_and_an_unknown_handle_is_said_to_be_unknown() -> None:
    async with serve_bluesky(cast(NOBODY), acts=ACTS, now=T0) as server:
        path = f"/xrpc/app.bsky.graph.getRelationships?actor={ALICE}&others={BOB}&others=nobody.test"
        found = (await asked(server, path))[2]["relationships"]
        assert "following" not in found[0]
        assert found[0]["followedBy"].startswith(f"at://{BOB}/app.bsky.graph.follow/")
        assert (found[1]["actor"], found[1]["notFound"]) == ("nobody.test", True)


async def test_the_server_of_the_accounts_counts_in_windows_of_five_simulated_minutes() -> None:
    async with serve_bluesky(cast(NOBODY), limit=2, now=T0) as server:

        async def ask(at: datetime) -> tuple[int, str, str | None]:
            server.set_clock(at)
            status, headers, _ = await asked(server, repo_status(ALICE))
            assert headers["ratelimit-policy"] == "2;w=300"
            return status, headers["ratelimit-remaining"], headers.get("retry-after")

        assert await ask(T0) == (200, "1", None)
        assert await ask(T0 + timedelta(minutes=4)) == (200, "0", None)
        assert await ask(T0 + timedelta(minutes=4)) == (429, "0", "60")
        assert (await asked(server, profile(ALICE)))[0] == 200
        assert await ask(T0 + timedelta(minutes=5)) == (200, "1", None)


def always(kind: FaultKind) -> FaultPlan:
    """The fault meets every request."""
    return FaultPlan({kind: 100_000}, hang_s=0.01, slow_s=0.01)


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
