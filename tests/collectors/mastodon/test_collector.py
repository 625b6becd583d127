"""The Mastodon collector over real sockets: what it asks for, what it survives, and what it never asks."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from collectors.core.collector import CanaryCandidate
from collectors.mastodon.collector import MAX_BODY, MastodonCollector
from collectors.mastodon.declaration import MASTODON
from collectors.mastodon.wire.identity import MastodonIdentity
from collectors.transport.client import HttpOptions, Retry
from collectors.transport.ssrf_guard import Guard
from storage.model.core.availability import Flag, MissedReason, Status
from storage.model.core.side_facts import ObservedKind
from tests.support.samples.mastodon_answers import ALICE, Sample, account, sample, sample_json
from tests.support.samples.readings import MINUTE, T0
from tests.support.simulated.scripted_mastodon import (
    ONCE,
    Answer,
    Cut,
    Hang,
    asking,
    collector,
    ok,
    scripted,
    status,
)

HOME = "mastodon.example"
BATCH = f"{HOME}/api/v1/accounts"
ONE = f"{BATCH}/{ALICE.local_id}"
LOOKUP = f"{BATCH}/lookup"
WEBFINGER = f"{HOME}/.well-known/webfinger"
ACTOR = f"{HOME}/users/alice"
BOB = MastodonIdentity("https://mastodon.example/users/bob", "2")
CAROL = MastodonIdentity("https://mastodon.example/users/carol", "3")
PEOPLE = {who.local_id: who for who in (ALICE, BOB, CAROL)}
IDS = [who.native_id for who in PEOPLE.values()]
DAY = timedelta(days=1)
ROOMY = "300"


def batch(request: web.BaseRequest) -> Sample:
    """A home server as it is: unknown ids are dropped without a word."""
    asked = request.rel_url.query.getall("id[]")
    return ok([account(PEOPLE[one]) for one in reversed(asked) if one in PEOPLE])


def single(who: MastodonIdentity, **parts: object) -> dict[str, Answer]:
    return {f"{BATCH}/{who.local_id}": ok(account(who, **parts))}


SINGLES = single(ALICE) | single(BOB) | single(CAROL)
"""A home server before 4.3: the batch is 404."""


async def test_a_healthy_batch_is_one_request_that_names_every_id_and_the_true_host() -> None:
    async with asking({BATCH: batch}) as (mastodon, server):
        answer = await mastodon.read(IDS, T0)
    (request,) = server.requests
    assert request.rel_url.query.getall("id[]") == list(PEOPLE)
    assert request.headers["Host"] == HOME
    assert request.headers["User-Agent"] == "Blockline"
    assert {reading.native_id for reading in answer.readings} == set(IDS)
    assert {reading.state.status for reading in answer.readings} == {Status.AVAILABLE}
    assert (answer.missed, answer.trouble, len(answer.exchanges)) == ((), None, 1)


async def test_a_home_server_is_a_place_and_an_odd_id_has_none() -> None:
    mastodon = MastodonCollector()
    assert mastodon.platform is MASTODON
    assert mastodon.batch_size == 40
    assert mastodon.place(ALICE.native_id) == HOME
    assert mastodon.place("https://Social.Example:3000/users/a#1") == "social.example:3000"
    for odd in (
        "",
        "7",
        "did:plc:a",
        "https://mastodon.example/users/alice",
        "ftp://a/b#1",
        "https://a b/#1",
    ):
        assert mastodon.place(odd) == ""


async def test_an_id_that_cannot_be_one_is_missed_and_not_sent() -> None:
    async with asking({BATCH: batch}) as (mastodon, server):
        answer = await mastodon.read(["7", ALICE.native_id], T0)
        nothing = await mastodon.read(["7"], T0)
    assert [(miss.native_id, miss.reason) for miss in answer.missed] == [("7", MissedReason.BAD_REQUEST)]
    assert [reading.native_id for reading in answer.readings] == [ALICE.native_id]
    assert len(nothing.missed) == len(server.asked) == 1


async def test_too_many_accounts_and_accounts_of_two_servers_are_refused() -> None:
    async with MastodonCollector() as mastodon:
        with pytest.raises(ValueError, match="at most 40"):
            await mastodon.read([f"https://a.example/users/a{n}#{n}" for n in range(41)], T0)
        with pytest.raises(ValueError, match="different places"):
            await mastodon.read(["https://a.example/users/a#1", "https://b.example/users/a#1"], T0)


# a server without the batch ------------------------------------------------------------------------------


async def test_a_server_without_the_batch_is_asked_one_by_one_and_not_for_a_batch_again_that_day() -> None:
    async with asking(SINGLES) as (mastodon, server):
        first = await mastodon.read(IDS, T0)
        assert server.asked.count(BATCH) == 1
        await mastodon.read(IDS, T0 + DAY / 2)
        assert server.asked.count(BATCH) == 1
        await mastodon.read(IDS, T0 + DAY)
        assert server.asked.count(BATCH) == 2
    assert {reading.native_id for reading in first.readings} == set(IDS)
    assert first.trouble is None


async def test_a_server_that_once_answered_a_batch_is_asked_for_it_after_a_single_refusal() -> None:
    async with asking(SINGLES | {BATCH: batch}) as (mastodon, server):
        await mastodon.read(IDS, T0)
        server.routes[BATCH] = status(404)
        assert len((await mastodon.read(IDS, T0 + MINUTE)).readings) == 3
        server.routes[BATCH] = batch
        server.asked.clear()
        assert len((await mastodon.read(IDS, T0 + 2 * MINUTE)).readings) == 3
        assert server.asked == [BATCH]


async def test_what_the_batch_leaves_out_is_asked_alone() -> None:
    def without_bob(request: web.BaseRequest) -> Sample:
        return ok([item for item in json.loads(batch(request).body) if item["id"] != "2"])

    async with asking({BATCH: without_bob} | single(BOB, limited=True)) as (mastodon, server):
        answer = await mastodon.read(IDS, T0)
    assert server.asked == [BATCH, f"{BATCH}/2"]
    flags = {reading.native_id: reading.flags for reading in answer.readings}
    assert flags[BOB.native_id] == {Flag.LIMITED}


# suspended and missing accounts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "flag"),
    [
        (sample("actor__suspended_temporary"), Flag.TEMPORARY),
        (sample("actor__gone_410"), Flag.SUSPENDED_OR_DELETED),
        (sample("actor__signature_required_401"), Flag.SUSPENDED_OR_DELETED),
    ],
)
async def test_a_suspended_account_costs_one_more_request(document: Answer, flag: Flag) -> None:
    suspended = sample_json("account__suspended")
    async with asking({BATCH: ok([suspended]), ACTOR: document}) as (mastodon, server):
        answer = await mastodon.read([ALICE.native_id], T0)
    assert list(dict.fromkeys(server.asked)) == [BATCH, ACTOR]
    assert server.requests[1].headers["Accept"] == "application/activity+json"
    (reading,) = answer.readings
    assert (reading.state.status, reading.flags) == (Status.SUSPENDED, {flag})


async def test_a_suspension_whose_kind_could_not_be_asked_waits_for_the_next_try() -> None:
    """Whether it is a block or may be the owner's own deletion is not left to a bad moment."""
    suspended = sample_json("account__suspended")
    async with asking({BATCH: ok([suspended]), ACTOR: Cut()}) as (mastodon, _):
        answer = await mastodon.read([ALICE.native_id], T0)
    assert answer.readings == ()
    assert [miss.reason for miss in answer.missed] == [MissedReason.NETWORK]


@pytest.mark.parametrize(
    ("routes", "requests"),
    [
        pytest.param({}, 5, id="404 everywhere"),
        pytest.param({WEBFINGER: sample("webfinger__gone_410")}, 4, id="webfinger 410"),
        pytest.param({ACTOR: sample("actor__gone_410")}, 5, id="actor 410"),
    ],
)
async def test_a_missing_account_costs_a_bounded_number_of_requests(
    routes: Mapping[str, Answer], requests: int
) -> None:
    async with asking({BATCH: ok([])} | dict(routes)) as (mastodon, server):
        answer = await mastodon.read([ALICE.native_id], T0)
    (reading,) = answer.readings
    gone = Flag.SUSPENDED_OR_DELETED in reading.flags
    assert reading.state.status is (Status.SUSPENDED if gone else Status.NOT_FOUND)
    assert gone is bool(routes)
    assert len(server.asked) == requests


async def test_webfinger_that_knows_a_missing_account_is_a_contradiction() -> None:
    async with asking({BATCH: ok([]), WEBFINGER: sample("webfinger__plain")}) as (mastodon, _):
        answer = await mastodon.read([ALICE.native_id], T0)
    assert [miss.reason for miss in answer.missed] == [MissedReason.CONTRADICTORY]
    assert answer.trouble is None


async def test_a_name_without_an_address_that_shows_it_is_known_from_an_earlier_answer() -> None:
    who = MastodonIdentity("https://mastodon.example/ap/users/9", "9")
    routes = {BATCH: ok([account(who, username="zoe", acct="zoe")])}
    async with asking(routes) as (mastodon, server):
        await mastodon.read([who.native_id], T0)
        server.routes[BATCH] = ok([])
        await mastodon.read([who.native_id], T0 + MINUTE)
    queries = [request.rel_url.query for request in server.requests if request.path.endswith("webfinger")]
    assert [query["resource"] for query in queries] == [f"acct:zoe@{HOME}"]


async def test_an_id_that_answers_as_another_account_is_missed_and_says_so() -> None:
    reset_up = account(created_at="2024-01-01T00:00:00.000Z")
    async with asking({BATCH: batch}) as (mastodon, server):
        await mastodon.read([ALICE.native_id], T0)
        server.routes[BATCH] = ok([reset_up])
        (miss,) = (await mastodon.read([ALICE.native_id], T0 + MINUTE)).missed
    assert miss.reason is MissedReason.UNCLASSIFIED
    assert "made on 2024-01-01" in miss.detail


# moves ---------------------------------------------------------------------------------------------------

MOVED = ok([sample_json("account__moved")])
TARGET = "social.example/users/alice2"


async def test_a_move_is_proven_by_the_new_account_which_is_asked_once_a_day() -> None:
    async with asking({BATCH: MOVED, TARGET: sample("actor__moved_target")}) as (mastodon, server):
        for at in (T0, T0 + MINUTE, T0 + DAY):
            (reading,) = (await mastodon.read([ALICE.native_id], at)).readings
            assert reading.flags == {Flag.MOVED}
            assert reading.moved_to == f"https://{TARGET}"
        assert server.asked.count(TARGET) == 2
        server.routes[TARGET] = status(503)
        (reading,) = (await mastodon.read([ALICE.native_id], T0 + 3 * DAY)).readings
        assert reading.flags == {Flag.MOVED}, "no answer takes nothing back"


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(ok(sample_json("actor__moved_target") | {"alsoKnownAs": []}), id="does not name it"),
        pytest.param(ok(sample_json("actor__moved_target") | {"id": "https://a.example/a"}), id="elsewhere"),
        pytest.param(status(401), id="wants a signature"),
        pytest.param(status(302, Location="https://a.example/"), id="redirects"),
        pytest.param(Cut(), id="no answer"),
    ],
)
async def test_a_move_that_the_new_account_does_not_confirm_is_unproven(document: Answer) -> None:
    async with asking({BATCH: MOVED, TARGET: document}) as (mastodon, _):
        (reading,) = (await mastodon.read([ALICE.native_id], T0)).readings
    assert reading.state.status is Status.AVAILABLE
    assert reading.flags == {Flag.MOVED_UNPROVEN}


# faults of a server --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "reason", "breaker"),
    [
        pytest.param(Cut(), MissedReason.NETWORK, False, id="no answer"),
        pytest.param(status(503, b"<html>"), MissedReason.UPSTREAM, False, id="503"),
        pytest.param(status(302, Location="/about"), MissedReason.UPSTREAM, False, id="redirect"),
        pytest.param(status(200, b"<html>"), MissedReason.MALFORMED, False, id="a web page"),
        pytest.param(status(200, b'[{"id":'), MissedReason.MALFORMED, False, id="cut short"),
        pytest.param(status(200, b" " * (MAX_BODY + 1)), MissedReason.NETWORK, False, id="endless"),
        pytest.param(status(429), MissedReason.RATE_LIMITED, False, id="429"),
    ],
)
async def test_a_request_that_failed_is_one_request_and_a_miss_for_everybody(
    answer: Answer, reason: MissedReason, breaker: bool
) -> None:
    async with asking({BATCH: answer}) as (mastodon, server):
        said = await mastodon.read(IDS, T0)
    assert set(server.asked) == {BATCH}
    assert [(miss.native_id, miss.reason) for miss in said.missed] == [(i, reason) for i in IDS]
    assert said.trouble is not None
    assert (said.trouble.reason, said.trouble.breaker) == (reason, breaker)


async def test_a_server_that_shows_nothing_to_strangers_is_left_alone_for_a_while() -> None:
    members_only = sample("account__login_required_401")
    routes = {BATCH: members_only} | {f"{BATCH}/{i}": members_only for i in PEOPLE}
    async with asking(routes) as (mastodon, server):
        said = await mastodon.read(IDS, T0)
        assert [miss.reason for miss in said.missed] == [MissedReason.ACCESS] * 3
        assert said.trouble is not None
        assert said.trouble.breaker
        asked = len(server.asked)
        silent = await mastodon.read(IDS, T0 + MINUTE)
        assert (silent.sent, silent.trouble, len(server.asked)) == (False, said.trouble, asked)
        await mastodon.read(IDS, said.trouble.retry_at)
        assert len(server.asked) > asked


async def test_one_account_that_is_not_shown_is_a_miss_of_that_account_alone() -> None:
    def only_alice(request: web.BaseRequest) -> Sample:
        return ok([account()])

    async with asking({BATCH: only_alice, f"{BATCH}/2": status(403)}) as (mastodon, _):
        said = await mastodon.read([ALICE.native_id, BOB.native_id], T0)
    assert [reading.native_id for reading in said.readings] == [ALICE.native_id]
    assert [(miss.native_id, miss.reason) for miss in said.missed] == [(BOB.native_id, MissedReason.ACCESS)]
    assert said.trouble is None


async def test_a_server_that_fails_again_and_again_is_not_asked_for_every_account() -> None:
    everybody = [f"https://{HOME}/users/a{n}#{n + 1000}" for n in range(40)]
    async with asking({f"{BATCH}/{n + 1000}": status(503) for n in range(40)}) as (mastodon, server):
        said = await mastodon.read(everybody, T0)
    assert len(server.asked) == 1 + 3
    assert len(said.missed) == 40
    assert said.trouble is not None
    assert said.trouble.reason is MissedReason.UPSTREAM


async def test_a_domain_that_answers_404_to_everything_proves_nothing_of_its_accounts() -> None:
    everybody = [f"https://{HOME}/users/a{n}#{n + 1000}" for n in range(40)]
    async with asking({}) as (mastodon, server):
        said = await mastodon.read(everybody, T0)
    assert said.readings == ()
    assert {miss.reason for miss in said.missed} == {MissedReason.UPSTREAM}
    assert said.trouble is not None
    assert len(server.asked) <= 16


async def test_other_software_with_an_api_may_say_not_found_in_html() -> None:
    page = sample("other_software__lookup_404_html")
    routes: dict[str, Answer] = {ONE: page, LOOKUP: page, WEBFINGER: page, f"{HOME}/api/v1/instance": ok({})}
    async with asking(routes) as (mastodon, _):
        said = await mastodon.read([ALICE.native_id], T0)
    assert [reading.state.status for reading in said.readings] == [Status.NOT_FOUND]


SOON = replace(ONCE, follow_up_s=0.2)
"""As a collector asks, which gives a server that hangs 20 seconds; further questions get less."""


async def test_new_servers_that_hang_hold_up_nobody_on_the_server_that_was_left() -> None:
    people = [MastodonIdentity(f"https://{HOME}/users/a{n}", f"{n + 1000}") for n in range(12)]
    hosts = tuple(f"h{n}.example" for n in range(11))
    moved = [account(who, moved={"uri": f"https://{at}/a"}) for who, at in zip(people, hosts, strict=False)]
    routes: dict[str, Answer] = {BATCH: ok([*moved, account(people[11])])}
    routes |= {f"{host}/a": Hang() for host in hosts}
    async with (
        asyncio.timeout(100),
        scripted(routes) as server,
        collector(server, (HOME, *hosts), http=SOON) as mastodon,
    ):
        said = await mastodon.read([who.native_id for who in people], T0)
    assert len(said.readings) == 12
    assert {reading.state.status for reading in said.readings} == {Status.AVAILABLE}
    assert sorted(server.asked) == sorted([BATCH, *(f"{host}/a" for host in hosts)])


@pytest.mark.parametrize("hanging", [f"{BATCH}/2", WEBFINGER])
async def test_a_question_about_one_account_holds_up_nobody_who_was_answered_already(hanging: str) -> None:
    elsewhere = status(302, Location="https://social.example/.well-known/webfinger")
    routes: dict[str, Answer] = {BATCH: ok([account()]), WEBFINGER: elsewhere}
    at = "social.example/.well-known/webfinger" if hanging == WEBFINGER else hanging
    async with asyncio.timeout(100), asking(routes | {at: Hang()}, http=SOON) as (mastodon, _):
        said = await mastodon.read([ALICE.native_id, BOB.native_id], T0)
    assert [reading.native_id for reading in said.readings] == [ALICE.native_id]
    assert [(miss.native_id, miss.reason) for miss in said.missed] == [(BOB.native_id, MissedReason.NETWORK)]
    assert said.trouble is None


async def test_the_outage_of_one_server_is_nothing_to_another() -> None:
    other = MastodonIdentity("https://social.example/users/dora", "4")
    routes = {BATCH: status(429), "social.example/api/v1/accounts": ok([account(other)])}
    async with asking(routes) as (mastodon, _):
        assert (await mastodon.read(IDS, T0)).trouble is not None
        assert not (await mastodon.read(IDS, T0)).sent
        assert len((await mastodon.read([other.native_id], T0)).readings) == 1


# rate limits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reset", ["2021-02-01T00:05:00.000000Z", str(int(T0.timestamp()) + 300)])
@pytest.mark.parametrize("answers", [True, False])
async def test_a_used_up_window_pauses_its_server_until_the_reset_in_either_spelling(
    reset: str, answers: bool
) -> None:
    used_up = {"X_RateLimit_Limit": ROOMY, "X_RateLimit_Remaining": "0", "X_RateLimit_Reset": reset}
    answer = ok([account()], **used_up) if answers else status(429, b"", **used_up)
    async with asking({BATCH: answer}) as (mastodon, server):
        first = await mastodon.read([ALICE.native_id], T0)
        assert (first.trouble is None) is answers
        early = await mastodon.read([ALICE.native_id], T0 + 4 * MINUTE)
        assert not early.sent
        assert early.trouble is not None
        assert early.trouble.retry_at == T0 + 5 * MINUTE
        assert [miss.reason for miss in early.missed] == [MissedReason.RATE_LIMITED]
        assert len(server.asked) == 1
        await mastodon.read([ALICE.native_id], T0 + 5 * MINUTE)
        assert len(server.asked) == 2


async def test_accounts_read_before_the_limit_count_and_the_rest_waits() -> None:
    left: dict[str, Answer] = {f"{BATCH}/2": status(429), f"{BATCH}/3": ok(account(CAROL))}
    async with asking(single(ALICE) | left) as (mastodon, server):
        said = await mastodon.read(IDS, T0)
    assert [reading.native_id for reading in said.readings] == [ALICE.native_id]
    assert [miss.reason for miss in said.missed] == [MissedReason.RATE_LIMITED] * 2
    assert f"{BATCH}/3" not in server.asked
    assert said.trouble is None


# what another server says --------------------------------------------------------------------------------

STRANGERS = {f"https://social.example/users/{name}#9": f"{name}@social.example" for name in "abc"}


def copy_of(name: str, **parts: object) -> Sample:
    who = MastodonIdentity(f"https://social.example/users/{name}", "9")
    return ok(account(who, acct=f"{name}@social.example", username=name, **parts))


@pytest.mark.parametrize("unreadable", [ok({"id": 5}), ok([]), status(200, b"<html>")])
async def test_one_copy_that_cannot_be_read_does_not_hide_the_others_from_an_observer(
    unreadable: Sample,
) -> None:
    def lookup(request: web.BaseRequest) -> Sample:
        name = request.rel_url.query["acct"].partition("@")[0]
        return unreadable if name == "b" else copy_of(name, limited=name == "c")

    a, _, c = STRANGERS
    async with asking({LOOKUP: lookup}) as (mastodon, _server):
        seen = await mastodon.seen_from(HOME, STRANGERS, T0)
    assert (seen.answered, seen.trouble) == ({a, c}, None)
    assert seen.facts == ((c, ObservedKind.BLOCKED_BY_SERVER, "account limited"),)


async def test_an_observer_that_fails_ends_the_round_with_what_it_had_said() -> None:
    def lookup(request: web.BaseRequest) -> Sample:
        name = request.rel_url.query["acct"].partition("@")[0]
        return status(503) if name == "b" else copy_of(name)

    async with asking({LOOKUP: lookup}) as (mastodon, server):
        seen = await mastodon.seen_from(HOME, STRANGERS, T0)
    assert seen.answered == {next(iter(STRANGERS))}
    assert seen.trouble is not None
    assert seen.trouble.reason is MissedReason.UPSTREAM
    assert len(server.asked) == 2


# strangers' addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:{port}/users/bob", "https://127.0.0.1/users/bob", "https://localhost/users/bob"],
)
async def test_a_move_into_a_private_network_is_not_followed(target: str) -> None:
    async with scripted({}) as inside:
        address = target.format(port=inside.base_url.rpartition(":")[2])
        moved = account(moved=account() | {"uri": address, "url": address})
        async with asking({BATCH: ok([moved])}) as (mastodon, _):
            (reading,) = (await mastodon.read([ALICE.native_id], T0)).readings
    assert reading.flags == {Flag.MOVED_UNPROVEN}
    assert inside.asked == []


async def test_an_account_on_a_private_server_is_not_asked_unless_the_configuration_names_it() -> None:
    async with scripted({}) as inside:
        host = inside.base_url.removeprefix("http://")
        native_id = f"http://{host}/users/alice#1"
        inside.routes["/api/v1/accounts"] = ok([account(MastodonIdentity(f"http://{host}/users/alice", "1"))])
        async with MastodonCollector() as mastodon:
            said = await mastodon.read([native_id], T0)
            assert [miss.reason for miss in said.missed] == [MissedReason.BAD_REQUEST]
            assert inside.asked == []
        trusting = HttpOptions(retry=Retry(0), guard=Guard([host]))
        async with MastodonCollector(http=trusting) as mastodon:
            assert len((await mastodon.read([native_id], T0)).readings) == 1


# evidence ------------------------------------------------------------------------------------------------


async def test_evidence_says_who_and_in_what_state_and_nothing_personal() -> None:
    suspended: dict[str, Any] = sample_json("account__suspended")
    routes = {BATCH: ok([suspended, account(BOB, note="secret")]), ACTOR: sample("actor__gone_410")}
    async with asking(routes) as (mastodon, _):
        answer = await mastodon.read([ALICE.native_id, BOB.native_id], T0)
        kept = mastodon.evidence(answer.exchanges, [ALICE.native_id, BOB.native_id])
    about_alice = json.loads(kept[ALICE.native_id])
    assert [item["http_status"] for item in about_alice] == [200, 410]
    times = [item[key] for item in about_alice for key in ("asked_at", "answered_at")]
    assert T0.isoformat() < times[0] < times[1] < times[2] < times[3]
    assert about_alice[0]["about"]["suspended"] is True
    assert about_alice[1]["url"] == f"https://{ACTOR} asked for {ALICE.native_id}"
    (about_bob,) = json.loads(kept[BOB.native_id])
    assert set(about_bob["about"]) == {"id", "acct", "uri", "url", "created_at"}
    assert b"secret" not in b"".join(kept.values())
    assert b"display_name" not in b"".join(kept.values())


# control accounts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(
            ok({"domain": HOME, "contact": {"account": account(BOB)}}),
            (CanaryCandidate(BOB.native_id, "bob@mastodon.example"),),
            id="the contact account",
        ),
        pytest.param(
            ok({"domain": "example.org", "contact": {"account": account(BOB)}}),
            (CanaryCandidate(BOB.native_id, "bob@mastodon.example"),),
            id="its names are not believed to end in a domain that does not say so",
        ),
        pytest.param(
            ok({"contact": {"account": account(MastodonIdentity("https://social.example/users/a", "1"))}}),
            (),
            id="a contact who lives elsewhere",
        ),
        pytest.param(
            ok({"contact": {"account": account(BOB, suspended=True)}}), (), id="a suspended contact"
        ),
        pytest.param(ok({"contact": {"account": None}}), (), id="no contact"),
        pytest.param(ok([]), (), id="another shape"),
        pytest.param(status(404), (), id="no such call"),
        pytest.param(Cut(), (), id="no answer"),
    ],
)
async def test_a_server_may_name_an_account_of_its_own_as_a_control_account(
    answer: Answer, expected: tuple[CanaryCandidate, ...]
) -> None:
    async with asking({f"{HOME}/api/v2/instance": answer}) as (mastodon, _):
        assert await mastodon.candidates(HOME, T0) == expected


@pytest.mark.parametrize("domain", [HOME, "example.org"])
async def test_how_names_end_is_learned_with_the_control_account_once_the_domain_confirms_it(
    domain: str,
) -> None:
    jrd = sample_json("webfinger__plain") | {"subject": f"acct:alice@{domain}"}
    routes: dict[str, Answer] = {
        f"{HOME}/api/v2/instance": ok({"domain": domain, "contact": {"account": account()}}),
        f"{domain}/.well-known/webfinger": ok(jrd),
        BATCH: batch,
    }
    async with asking(routes) as (mastodon, _):
        (before,) = (await mastodon.read([ALICE.native_id], T0)).readings
        assert await mastodon.candidates(HOME, T0) == (CanaryCandidate(ALICE.native_id, f"alice@{domain}"),)
        (after,) = (await mastodon.read([ALICE.native_id], T0)).readings
    assert (before.handle, after.handle) == (None, f"alice@{domain}")
