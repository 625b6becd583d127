"""The Mastodon collector over real sockets: what it asks for, what it survives, and what it never asks."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from collectors.core.collector import CanaryCandidate, UnresolvedReason
from collectors.mastodon.collector import MastodonCollector
from collectors.mastodon.declaration import MASTODON
from collectors.mastodon.wire.identity import MastodonIdentity, WebfingerName, name_of
from storage.model.core.availability import Flag, MissedReason, State, Status
from storage.model.core.side_facts import ObservedKind
from storage.model.text.states import state_words
from tests.support.samples.mastodon_answers import ALICE, Sample, account, sample, sample_json
from tests.support.samples.readings import MINUTE, T0
from tests.support.simulated.scripted_mastodon import (
    ONCE,
    Answer,
    Cut,
    Hang,
    asking,
    ok,
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


def batch(request: web.BaseRequest) -> Sample:
    """A home server as it is: unknown ids are dropped without a word."""
    asked = request.rel_url.query.getall("id[]")
    return ok([account(PEOPLE[one]) for one in reversed(asked) if one in PEOPLE])


def single(who: MastodonIdentity, **parts: object) -> dict[str, Answer]:
    return {f"{BATCH}/{who.local_id}": ok(account(who, **parts))}


SINGLES = single(ALICE) | single(BOB) | single(CAROL)
"""A home server before 4.3: the batch is 404."""


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


async def test_a_server_that_once_answered_a_batch_is_asked_for_it_after_a_single_refusal() -> None:
    async with asking(SINGLES | {BATCH: batch}) as (mastodon, server):
        await mastodon.read(IDS, T0)
        server.routes[BATCH] = status(404)
        assert len((await mastodon.read(IDS, T0 + MINUTE)).readings) == 3
        server.routes[BATCH] = batch
        server.asked.clear()
        assert len((await mastodon.read(IDS, T0 + 2 * MINUTE)).readings) == 3
        assert server.asked == [BATCH]


# suspended and missing accounts --------------------------------------------------------------------------


async def test_a_suspension_whose_kind_could_not_be_asked_waits_for_the_next_try() -> None:
    """Whether it is a block or may be the owner's own deletion is not left to a bad moment."""
    suspended = sample_json("account__suspended")
    async with asking({BATCH: ok([suspended]), ACTOR: Cut()}) as (mastodon, _):
        answer = await mastodon.read([ALICE.native_id], T0)
    assert answer.readings == ()
    assert [miss.reason for miss in answer.missed] == [MissedReason.NETWORK]


async def test_webfinger_that_knows_a_missing_account_is_a_contradiction() -> None:
    async with asking({BATCH: ok([]), WEBFINGER: sample("webfinger__plain")}) as (mastodon, _):
        answer = await mastodon.read([ALICE.native_id], T0)
    assert [miss.reason for miss in answer.missed] == [MissedReason.CONTRADICTORY]
    assert answer.trouble is None


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


# faults of a server --------------------------------------------------------------------------------------


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


# evidence ------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("status", "flags", "words"),
    [
        pytest.param(
            Status.SUSPENDED,
            {Flag.TEMPORARY, Flag.WITH_AUTHOR},
            "not shown, because its server suspended its author",
            id="for a time",
        ),
        pytest.param(
            Status.SUSPENDED,
            {Flag.SUSPENDED_OR_DELETED, Flag.WITH_AUTHOR},
            "not shown, because its author was suspended or deleted the account: Mastodon does not say which",
            id="for good, or deleted",
        ),
        pytest.param(
            Status.NOT_FOUND,
            {Flag.WITH_AUTHOR},
            "gone with its author's account: its server knows neither",
            id="no such author",
        ),
        pytest.param(Status.NOT_FOUND, set[Flag](), "not found: its server does not show it", id="alone"),
    ],
)
def test_a_post_that_is_gone_with_its_author_is_not_called_suspended_itself(
    status: Status, flags: set[Flag], words: str
) -> None:
    assert state_words(State(status), MASTODON, flags) == words


HANDLE_RESOLUTION_LOOKUP = f"{HOME}/api/v1/accounts/lookup"
JRD = sample_json("webfinger__plain")
SERVED: dict[str, Answer] = {WEBFINGER: sample("webfinger__plain"), HANDLE_RESOLUTION_LOOKUP: ok(account())}


@pytest.mark.parametrize(
    ("asked", "server", "resource"),
    [
        ("alice@a.example", "https://a.example", "acct:alice@a.example"),
        ("@alice@a.example", "https://a.example", "acct:alice@a.example"),
        (" @alice@A.Example ", "https://a.example", "acct:alice@a.example"),
        ("alice@bücher.example", "https://xn--bcher-kva.example", "acct:alice@xn--bcher-kva.example"),
        ("https://a.example/@alice", "https://a.example", "acct:alice@a.example"),
        ("https://a.example/users/alice", "https://a.example", "acct:alice@a.example"),
        ("https://b.example/@alice@a.example", "https://a.example", "acct:alice@a.example"),
        ("https://a.example/alice", "https://a.example", "https://a.example/alice"),
    ],
)
def test_a_person_is_named_by_handle_or_by_address(asked: str, server: str, resource: str) -> None:
    assert name_of(asked) == WebfingerName(server, resource)


async def test_a_suspended_account_is_found() -> None:
    async with asking(SERVED | {HANDLE_RESOLUTION_LOOKUP: sample("lookup__suspended")}) as (mastodon, _):
        resolution = await mastodon.resolve(["alice@mastodon.example"], T0)
    assert [one.native_id for one in resolution.found] == [ALICE.native_id]


async def test_a_server_cannot_call_its_people_by_the_names_of_others() -> None:
    jrd = JRD | {"subject": "acct:president@example.org"}
    for confirmation in (status(404), ok(JRD | {"links": []}), Cut()):
        routes = SERVED | {WEBFINGER: ok(jrd), "example.org/.well-known/webfinger": confirmation}
        async with asking(routes) as (mastodon, _):
            resolution = await mastodon.resolve([f"https://{HOME}/@alice"], T0)
        assert [one.handle for one in resolution.found] == ["alice@mastodon.example"]


@pytest.mark.parametrize(
    ("routes", "why"),
    [
        pytest.param({WEBFINGER: sample("webfinger__gone_410")}, UnresolvedReason.SUSPENDED, id="410"),
        pytest.param({}, UnresolvedReason.NOT_FOUND, id="404"),
        pytest.param(
            {WEBFINGER: sample("other_software__webfinger_404_html")},
            UnresolvedReason.NOT_FOUND,
            id="404 HTML",
        ),
        pytest.param({WEBFINGER: Cut()}, UnresolvedReason.NO_ANSWER, id="no answer"),
        pytest.param({WEBFINGER: status(503)}, UnresolvedReason.NO_ANSWER, id="503"),
        pytest.param({WEBFINGER: status(403)}, UnresolvedReason.NO_ANSWER, id="403"),
        pytest.param({WEBFINGER: ok({"links": []})}, UnresolvedReason.NO_ANSWER, id="no actor"),
        pytest.param(
            SERVED | {HANDLE_RESOLUTION_LOOKUP: status(404)}, UnresolvedReason.NO_ANSWER, id="no REST API"
        ),
        pytest.param(
            SERVED | {HANDLE_RESOLUTION_LOOKUP: status(401)}, UnresolvedReason.NO_ANSWER, id="members only"
        ),
        pytest.param(
            SERVED | {HANDLE_RESOLUTION_LOOKUP: ok(account(uri="https://mastodon.example/users/eve"))},
            UnresolvedReason.NO_ANSWER,
            id="the server means somebody else",
        ),
    ],
)
async def test_a_name_that_gives_no_id_says_why(routes: dict[str, Answer], why: UnresolvedReason) -> None:
    async with asking(routes) as (mastodon, _):
        resolution = await mastodon.resolve(["alice@mastodon.example", "nobody"], T0)
    assert resolution.found == ()
    assert [(one.asked, one.why) for one in resolution.unresolved] == [
        ("alice@mastodon.example", why),
        ("nobody", UnresolvedReason.NOT_A_HANDLE),
    ]


async def test_redirects_are_followed_three_times_and_not_for_ever() -> None:
    routes: dict[str, Answer] = {WEBFINGER: status(302, Location="/.well-known/webfinger")}
    async with asking(routes) as (mastodon, server):
        resolution = await mastodon.resolve(["alice@mastodon.example"], T0)
    assert [one.why for one in resolution.unresolved] == [UnresolvedReason.NO_ANSWER]
    assert len(server.asked) == 4


async def test_a_name_on_a_private_host_is_not_asked() -> None:
    async with MastodonCollector(http=ONCE) as mastodon:
        for asked in ("alice@127.0.0.1", "alice@localhost", "http://mastodon.example/@alice"):
            resolution = await mastodon.resolve([asked], T0)
            assert "trusted_hosts" in resolution.unresolved[0].detail
