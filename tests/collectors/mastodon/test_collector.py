"""The Mastodon collector over real sockets: what it asks for, what it survives, and what it never asks."""

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
    asking,
    ok,
    status,
)

HOME = "mastodon.example"
BATCH = f"{HOME}/api/v1/accounts"
LOOKUP = f"{BATCH}/lookup"
WEBFINGER = f"{HOME}/.well-known/webfinger"
BOB = MastodonIdentity("https://mastodon.example/users/bob", "2")
CAROL = MastodonIdentity("https://mastodon.example/users/carol", "3")
PEOPLE = {who.local_id: who for who in (ALICE, BOB, CAROL)}
DAY = timedelta(days=1)


def batch(request: web.BaseRequest) -> Sample:
    """A home server as it is: unknown ids are dropped without a word."""
    asked = request.rel_url.query.getall("id[]")
    return ok([account(PEOPLE[one]) for one in reversed(asked) if one in PEOPLE])


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


# suspended and missing accounts --------------------------------------------------------------------------


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
