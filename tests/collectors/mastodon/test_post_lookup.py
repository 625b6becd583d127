"""Posts over real sockets: what is asked for, what becomes of a post that is not shown, and every fault."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import pytest

from collectors.core.collector import (
    CollectorAnswer,
    ResolvedHandle,
    UnresolvedReason,
)
from collectors.mastodon.collector import MastodonCollector
from collectors.mastodon.declaration import DECLARATION, MASTODON
from collectors.mastodon.simulator.app import serve_mastodon
from collectors.mastodon.wire.identity import MastodonIdentity, MastodonPostIdentity
from collectors.simulator.canaries import canaries_of
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.history import History, HistoryAccount, settled
from collectors.simulator.platform_simulator import simulator_of
from collectors.simulator.server import SimulatorServer
from collectors.transport.client import HttpOptions, Retry
from collectors.transport.ssrf_guard import Guard
from storage.model.core.availability import Flag, MissedReason, State, Status
from tests.support.samples.mastodon_answers import ALICE, POST, account, post, sample, sample_json
from tests.support.samples.readings import MINUTE, T0
from tests.support.simulated.scripted_mastodon import Answer, Cut, asking, ok, status

HOME = "mastodon.example"
BATCH = f"{HOME}/api/v1/statuses"
ACCOUNTS = f"{HOME}/api/v1/accounts"
LOOKUP = f"{ACCOUNTS}/lookup"
WEBFINGER = f"{HOME}/.well-known/webfinger"
ACTOR = f"{HOME}/users/alice"
ONE = f"{BATCH}/{POST.local_id}"
PAGE = f"{HOME}/@alice/{POST.local_id}"
THERE: dict[str, Answer] = {LOOKUP: ok(account())}
"""The author is there."""


def at(number: int) -> MastodonPostIdentity:
    return MastodonPostIdentity.at(POST.server, POST.name, str(number))


def statuses(answer: CollectorAnswer) -> dict[str, Status | MissedReason]:
    said: dict[str, Status | MissedReason] = {r.native_id: r.state.status for r in answer.readings}
    return said | {m.native_id: m.reason for m in answer.missed}


@pytest.mark.parametrize(
    ("routes", "expected", "flags", "asked"),
    [
        pytest.param(THERE, Status.NOT_FOUND, (), [LOOKUP, PAGE], id="deleted, removed or not public"),
        pytest.param(
            THERE | {PAGE: status(401)}, Status.NOT_FOUND, (), [LOOKUP, PAGE], id="pages for signed requests"
        ),
        pytest.param(
            THERE | {PAGE: ok({"id": POST.native_id})},
            MissedReason.CONTRADICTORY,
            (),
            [LOOKUP, PAGE],
            id="its page is there",
        ),
        pytest.param(
            THERE | {PAGE: Cut()}, MissedReason.NETWORK, (), [LOOKUP, PAGE], id="no answer about its page"
        ),
        pytest.param(
            {LOOKUP: sample("lookup__suspended"), ACTOR: sample("actor__suspended_temporary")},
            Status.SUSPENDED,
            (Flag.TEMPORARY, Flag.WITH_AUTHOR),
            [LOOKUP, ACTOR],
            id="its author is suspended for a time",
        ),
        pytest.param(
            {LOOKUP: sample("lookup__suspended"), ACTOR: sample("actor__gone_410")},
            Status.SUSPENDED,
            (Flag.SUSPENDED_OR_DELETED, Flag.WITH_AUTHOR),
            [LOOKUP, ACTOR],
            id="its author is suspended for good, or was deleted",
        ),
        pytest.param(
            {LOOKUP: sample("lookup__suspended"), ACTOR: Cut()},
            MissedReason.NETWORK,
            (),
            [LOOKUP, ACTOR],
            id="no answer about how long its author is suspended",
        ),
        pytest.param(
            {WEBFINGER: sample("webfinger__gone_410")},
            Status.SUSPENDED,
            (Flag.SUSPENDED_OR_DELETED, Flag.WITH_AUTHOR),
            [LOOKUP, WEBFINGER],
            id="its author is gone for good",
        ),
        pytest.param(
            {}, Status.NOT_FOUND, (Flag.WITH_AUTHOR,), [LOOKUP, WEBFINGER], id="its author is not found"
        ),
        pytest.param(
            {WEBFINGER: sample("webfinger__plain")},
            MissedReason.CONTRADICTORY,
            (),
            [LOOKUP, WEBFINGER],
            id="its author is and is not there",
        ),
        pytest.param({LOOKUP: status(401)}, MissedReason.ACCESS, (), [LOOKUP], id="authors for members only"),
        pytest.param({LOOKUP: status(503)}, MissedReason.UPSTREAM, (), [LOOKUP], id="no answer about it"),
        pytest.param(
            {LOOKUP: ok(account(username="bob", acct="bob"))},
            MissedReason.UNCLASSIFIED,
            (),
            [LOOKUP],
            id="the name leads to somebody else",
        ),
    ],
)
async def test_what_became_of_a_post_that_is_not_shown_is_asked_of_its_author(
    routes: Mapping[str, Answer],
    expected: Status | MissedReason,
    flags: tuple[Flag, ...],
    asked: list[str],
) -> None:
    async with asking({BATCH: ok([])} | dict(routes)) as (mastodon, server):
        answer = await mastodon.read([POST.native_id], T0)
    assert list(dict.fromkeys(server.asked)) == [BATCH, ONE, *asked]
    assert statuses(answer) == {POST.native_id: expected}
    assert [reading.flags for reading in answer.readings] in ([], [set(flags)])
    assert answer.trouble is None


# servers that fail ---------------------------------------------------------------------------------------


async def test_a_domain_that_answers_404_to_everything_proves_nothing_of_its_posts() -> None:
    async with asking({}) as (mastodon, server):
        answer = await mastodon.read([at(n).native_id for n in range(501, 541)], T0)
    assert set(statuses(answer).values()) == {MissedReason.UPSTREAM}
    assert answer.trouble is not None
    assert len(server.asked) <= 16


async def test_what_other_servers_think_of_posts_is_not_asked() -> None:
    async with asking({LOOKUP: ok(account())}) as (mastodon, server):
        seen = await mastodon.seen_from(HOME, {POST.native_id: "alice@mastodon.example/109"}, T0)
    assert (seen.answered, server.asked) == (set(), [])


# names ---------------------------------------------------------------------------------------------------

JRD = sample_json("webfinger__plain")
ELSEWHERE = "example.org/.well-known/webfinger"
HANDLE = "alice@mastodon.example/109"
FOUND = (POST.native_id, HANDLE)


@pytest.mark.parametrize(
    ("asked", "routes", "found"),
    [
        pytest.param(HANDLE, {WEBFINGER: ok(JRD)}, FOUND, id="a handle"),
        pytest.param(f"@{HANDLE}", {WEBFINGER: ok(JRD)}, FOUND, id="with @"),
        pytest.param(POST.native_id, {WEBFINGER: ok(JRD)}, FOUND, id="its page"),
        pytest.param(
            "https://Mastodon.Example/@ALICE/109", {WEBFINGER: ok(JRD)}, FOUND, id="as its author is spelt"
        ),
        pytest.param(
            "https://mastodon.example/users/alice/statuses/109", {WEBFINGER: ok(JRD)}, FOUND, id="its URI"
        ),
        pytest.param(
            "https://mastodon.example/ap/users/9/statuses/109",
            {WEBFINGER: ok(JRD)},
            FOUND,
            id="a URI with a number",
        ),
        pytest.param(
            "alice@example.org/109",
            {ELSEWHERE: ok(JRD | {"subject": "acct:alice@example.org"})},
            (POST.native_id, "alice@example.org/109"),
            id="a handle whose domain is not its server",
        ),
        pytest.param(
            POST.native_id,
            dict.fromkeys((WEBFINGER, ELSEWHERE), ok(JRD | {"subject": "acct:alice@example.org"})),
            (POST.native_id, "alice@example.org/109"),
            id="a page of a server whose names end in another domain",
        ),
        pytest.param(
            POST.native_id,
            {WEBFINGER: ok(JRD | {"subject": "acct:alice@example.org"})},
            FOUND,
            id="a domain that does not say so is not believed",
        ),
        pytest.param(
            POST.native_id, {WEBFINGER: status(410)}, FOUND, id="the page of an author who is gone for good"
        ),
        pytest.param(HANDLE, {WEBFINGER: status(410)}, UnresolvedReason.SUSPENDED, id="the handle of one"),
        pytest.param(POST.native_id, {}, UnresolvedReason.NOT_FOUND, id="no such author"),
        pytest.param(POST.native_id, {WEBFINGER: Cut()}, UnresolvedReason.NO_ANSWER, id="no answer"),
        pytest.param("alice/109", {}, UnresolvedReason.NOT_A_HANDLE, id="without a server"),
    ],
)
async def test_handles_pages_and_uris_lead_to_posts_whether_they_are_there_or_not(
    asked: str, routes: Mapping[str, Answer], found: tuple[str, str] | UnresolvedReason
) -> None:
    async with asking(routes) as (mastodon, server):
        resolution = await mastodon.resolve([asked], T0)
    if isinstance(found, UnresolvedReason):
        assert [one.why for one in resolution.unresolved] == [found]
        assert resolution.found == ()
    else:
        assert resolution.found == (ResolvedHandle(asked, *found),)
        assert DECLARATION.is_post(found[0])
        assert DECLARATION.is_post_handle(found[1])
    assert all(asked.endswith("webfinger") for asked in server.asked)


async def test_for_several_posts_of_one_author_the_server_is_asked_once() -> None:
    async with asking({WEBFINGER: ok(JRD)}) as (mastodon, server):
        resolution = await mastodon.resolve([at(n).native_id for n in (1, 2, 3)], T0)
    assert [one.handle for one in resolution.found] == [f"alice@mastodon.example/{n}" for n in (1, 2, 3)]
    assert server.asked == [WEBFINGER]


# control posts -------------------------------------------------------------------------------------------

INSTANCE: dict[str, Answer] = {
    f"{HOME}/api/v2/instance": ok({"domain": HOME, "contact": {"account": account()}}),
    WEBFINGER: ok(JRD),
}
POSTS = f"{ACCOUNTS}/{ALICE.local_id}/statuses"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(ok([post(reblog=post())]), id="boosts only"),
        pytest.param(
            ok(
                [
                    post(
                        account=account(
                            MastodonIdentity("https://b.example/users/x", "5"), acct="x@b.example"
                        )
                    )
                ]
            ),
            id="posts of others",
        ),
        pytest.param(status(401), id="not shown"),
        pytest.param(Cut(), id="no answer"),
    ],
)
async def test_no_control_post_is_chosen_that_is_not_the_contacts_own(answer: Answer) -> None:
    async with asking(INSTANCE | {POSTS: answer}) as (mastodon, _):
        assert await mastodon.candidates(f"{HOME}/posts", T0) == ()


# at the simulator ----------------------------------------------------------------------------------------

_POSTS = 12
SHOWN = (Status.AVAILABLE, Status.SUSPENDED, Status.NOT_FOUND)
FAST = HttpOptions(retry=Retry(attempts=0), guard=Guard())


def crowd() -> History:
    """Posts of an author each; number i begins with the i-th status and goes on to the next every half hour.
    Every second that is not found is gone with its author.
    """
    return History(
        tuple(
            settled(
                MASTODON,
                f"https://{HOME}/@name_{i}/{1000 + i}",
                [
                    (T0 + n * 30 * MINUTE, State(SHOWN[(i + n) % 3]), f"name_{i}@{HOME}/{1000 + i}")
                    for n in range(60)
                ],
                ("list",),
                {
                    T0 + n * 30 * MINUTE: "with_author"
                    for n in range(60)
                    if i % 2 and SHOWN[(i + n) % 3] is Status.NOT_FOUND
                },
            )
            for i in range(_POSTS)
        )
    )


@asynccontextmanager
async def simulated(
    history: History,
    faults: FaultPlan = FaultPlan(),  # noqa: B008 - frozen
) -> AsyncGenerator[tuple[MastodonCollector, SimulatorServer]]:
    async with (
        serve_mastodon(history, faults=faults, now=T0) as server,
        MastodonCollector(origins={HOME: server.base_url}, http=FAST) as collector,
    ):
        yield collector, server


def truth(accounts: tuple[HistoryAccount, ...], n: int) -> dict[str, State]:
    return {a.native_id: a.at(T0 + n * 30 * MINUTE) for a in accounts}


LIES = {FaultKind.ALL_NOT_FOUND}


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind not in LIES])
async def test_no_fault_makes_a_reading_of_a_post_that_differs_from_the_truth(kind: FaultKind) -> None:
    history = crowd()
    async with simulated(history, FaultPlan({kind: 100_000}, hang_s=0.01, slow_s=0.001)) as (
        collector,
        server,
    ):
        for n in range(3):
            server.set_clock(T0 + n * 30 * MINUTE)
            there = truth(history.accounts, n)
            answer = await collector.read(list(there), T0 + n * 30 * MINUTE)
            assert {r.native_id: r.state for r in answer.readings}.items() <= there.items()
            assert sorted(statuses(answer)) == sorted(there)


async def test_the_simulated_contact_has_posts_that_can_be_control_posts() -> None:
    history = crowd()
    served = History((*history.accounts, *canaries_of(MASTODON, history)))
    async with simulated(served) as (collector, _):
        found = await collector.candidates(f"{HOME}/posts", T0)
        looks = await collector.read([one.native_id for one in found], T0)
    assert [one.native_id for one in found] == [f"https://{HOME}/@blockline_stable_1/{n}" for n in (101, 102)]
    assert {r.handle for r in looks.readings} == {one.handle for one in found}


def test_a_post_of_another_platform_becomes_a_post_and_is_found_by_the_command_shown() -> None:
    simulator = simulator_of(MASTODON)
    story = settled(MASTODON, POST.native_id, [(T0, State(Status.AVAILABLE), HANDLE)])
    taken: set[str] = set()
    cast = [simulator.recast(story, bytes([n] * 16), taken) for n in (1, 2)]
    assert all(DECLARATION.is_post(c.native_id) and DECLARATION.is_post_handle(c.handles[0]) for c in cast)
    assert len({c.native_id.rpartition("/")[0] for c in cast}) == 2
    assert simulator.made_up_handle(POST.native_id) == HANDLE
    assert simulator.example("http://127.0.0.1:1", story).endswith("/api/v1/statuses/109")
