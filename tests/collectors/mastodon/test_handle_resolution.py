"""From names and addresses to native ids, over real sockets."""

import pytest

from collectors.core.collector import UnresolvedReason
from collectors.mastodon.collector import MastodonCollector
from collectors.mastodon.wire.identity import WebfingerName, name_of
from tests.support.samples.mastodon_answers import ALICE, account, sample, sample_json
from tests.support.samples.readings import T0
from tests.support.simulated.scripted_mastodon import (
    ONCE,
    Answer,
    Cut,
    asking,
    ok,
    status,
)

HOME = "mastodon.example"
LOOKUP = f"{HOME}/api/v1/accounts/lookup"
WEBFINGER = f"{HOME}/.well-known/webfinger"
JRD = sample_json("webfinger__plain")
SERVED: dict[str, Answer] = {WEBFINGER: sample("webfinger__plain"), LOOKUP: ok(account())}


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
    async with asking(SERVED | {LOOKUP: sample("lookup__suspended")}) as (mastodon, _):
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
        pytest.param(SERVED | {LOOKUP: status(404)}, UnresolvedReason.NO_ANSWER, id="no REST API"),
        pytest.param(SERVED | {LOOKUP: status(401)}, UnresolvedReason.NO_ANSWER, id="members only"),
        pytest.param(
            SERVED | {LOOKUP: ok(account(uri="https://mastodon.example/users/eve"))},
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
