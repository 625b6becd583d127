"""What answers of a home server prove about each account, row by row of the classification."""

import json
from typing import Any

import pytest

from collectors.core.collector import RequestFailure
from collectors.core.wire import WireFault
from collectors.mastodon.wire.answers import (
    Absent,
    ActorDocument,
    Jrd,
    Profile,
    read_actor,
    read_batch,
    read_profile,
    read_webfinger,
)
from collectors.mastodon.wire.identity import MastodonIdentity
from collectors.mastodon.wire.moderation import DomainBlocks, DomainBlockSeverity, read_domain_blocks
from collectors.mastodon.wire.posts import (
    ServedPost,
    read_post,
    served,
)
from collectors.mastodon.wire.status import absent, stranger
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, Status, Strength
from tests.support.samples.mastodon_answers import (
    ALICE,
    AT,
    GRACE,
    POST,
    account,
    encoded,
    post,
    sample,
    sample_json,
)
from tests.support.samples.readings import NOT_FOUND, SUSPENDED, T0
from tests.support.simulated.scripted_mastodon import Answer, Cut, asking, status

HTML = b"<h1>404 Not Found (snac/2.75)</h1>"


def profile_of(who: MastodonIdentity, name: str) -> Profile:
    answer = sample(name)
    said = read_profile(answer.status, answer.body)
    assert isinstance(said, Profile)
    assert said.local_id == who.local_id
    return said


def actor(name: str) -> ActorDocument | Absent | WireFault:
    answer = sample(name)
    return read_actor(answer.status, answer.body)


def webfinger(name: str) -> Jrd | Absent | WireFault:
    answer = sample(name)
    return read_webfinger(answer.status, answer.body)


def rest(name: str) -> Absent:
    answer = sample(name)
    said = read_profile(answer.status, answer.body)
    assert isinstance(said, Absent)
    return said


# an account that answers ---------------------------------------------------------------------------------


# suspended -----------------------------------------------------------------------------------------------


# an account that is not there ----------------------------------------------------------------------------

GONE = Reading(ALICE.native_id, AT, SUSPENDED, Strength.STRONG, flags=frozenset({Flag.SUSPENDED_OR_DELETED}))
NOWHERE = Reading(ALICE.native_id, AT, NOT_FOUND, Strength.WEAK)
REST_404, REST_410 = rest("account__not_found_404"), rest("account__gone_410")
HTML_404 = rest("other_software__lookup_404_html")
KNOWN, UNKNOWN, WAS = (
    webfinger("webfinger__plain"),
    webfinger("webfinger__not_found_404"),
    webfinger("webfinger__gone_410"),
)
NO_ACTOR = actor("actor__not_found_404")
SAME = profile_of(ALICE, "account__plain")
NEWER = read_profile(200, encoded(account(id="2")))
REUSED = Jrd("https://mastodon.example/ap/users/5", "alice@mastodon.example")
DOWN, NETWORK = (
    WireFault(MissedReason.UPSTREAM, "HTTP 503"),
    WireFault(MissedReason.NETWORK, "no answer in time"),
)


@pytest.mark.parametrize(
    ("by_id", "by_webfinger", "by_name", "document", "expected"),
    [
        pytest.param(
            REST_404, UNKNOWN, REST_404, NO_ACTOR, NOWHERE, id="404 by id and by webfinger is not found"
        ),
        pytest.param(
            HTML_404,
            webfinger("other_software__webfinger_404_html"),
            HTML_404,
            NO_ACTOR,
            NOWHERE,
            id="other software's HTML pages count by their number",
        ),
        pytest.param(REST_404, UNKNOWN, None, None, NOWHERE, id="a name that is not known is not asked for"),
        pytest.param(
            REST_404,
            UNKNOWN,
            rest("lookup__not_found_404"),
            actor("actor__signature_required_401"),
            NOWHERE,
            id="an actor that wants a signature changes nothing",
        ),
        pytest.param(REST_404, WAS, REST_404, None, GONE, id="webfinger 410 is suspended or deleted"),
        pytest.param(
            REST_404, UNKNOWN, REST_404, actor("actor__gone_410"), GONE, id="so is an actor document 410"
        ),
        pytest.param(REST_410, WAS, None, None, GONE, id="410 by id and by webfinger, as of old versions"),
        pytest.param(
            REST_410,
            UNKNOWN,
            REST_404,
            NO_ACTOR,
            MissedReason.CONTRADICTORY,
            id="gone by id and never known to webfinger exclude each other",
        ),
        pytest.param(
            REST_404,
            KNOWN,
            REST_404,
            None,
            MissedReason.CONTRADICTORY,
            id="webfinger knows the account that the API lacks",
        ),
        pytest.param(
            REST_404,
            KNOWN,
            SAME,
            None,
            MissedReason.CONTRADICTORY,
            id="found by name under the id that was not found",
        ),
        pytest.param(
            REST_404, KNOWN, NEWER, None, MissedReason.UNCLASSIFIED, id="the name has another id now"
        ),
        pytest.param(
            REST_404, UNKNOWN, NEWER, NO_ACTOR, MissedReason.UNCLASSIFIED, id="even if webfinger is silent"
        ),
        pytest.param(
            REST_404, REUSED, REST_404, None, MissedReason.UNCLASSIFIED, id="the name has another actor now"
        ),
        pytest.param(
            REST_404,
            UNKNOWN,
            REST_404,
            actor("actor__active"),
            MissedReason.CONTRADICTORY,
            id="the actor document is there",
        ),
        pytest.param(REST_404, DOWN, None, None, MissedReason.UPSTREAM, id="webfinger 503 leaves it open"),
        pytest.param(
            REST_404, NETWORK, None, None, MissedReason.NETWORK, id="webfinger without an answer too"
        ),
        pytest.param(
            REST_404,
            read_webfinger(403, b""),
            None,
            None,
            MissedReason.ACCESS,
            id="webfinger that is forbidden too",
        ),
        pytest.param(
            REST_404,
            read_webfinger(200, HTML),
            None,
            None,
            MissedReason.MALFORMED,
            id="webfinger that is a web page too",
        ),
        pytest.param(REST_404, read_webfinger(429, b""), None, None, MissedReason.RATE_LIMITED, id="429 too"),
    ],
)
def test_an_account_that_the_api_lacks_is_believed_gone_only_with_webfinger(
    by_id: Absent,
    by_webfinger: Jrd | Absent | WireFault,
    by_name: Profile | Absent | WireFault | None,
    document: ActorDocument | Absent | WireFault | None,
    expected: Reading | MissedReason,
) -> None:
    said = absent(ALICE, by_id, by_webfinger, by_name, document, AT)
    assert (said.reason if isinstance(said, Missed) else said) == expected


# what must stay unknown ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        pytest.param(401, sample("account__login_required_401").body, MissedReason.ACCESS, id="401"),
        pytest.param(403, b"", MissedReason.ACCESS, id="403"),
        pytest.param(429, sample("rate_limited_429").body, MissedReason.RATE_LIMITED, id="429"),
        pytest.param(429, HTML, MissedReason.RATE_LIMITED, id="429 HTML"),
        pytest.param(400, b"{}", MissedReason.BAD_REQUEST, id="400"),
        pytest.param(500, sample("account__suspended").body, MissedReason.UPSTREAM, id="500 with data"),
        pytest.param(503, b"<html>", MissedReason.UPSTREAM, id="503 HTML"),
        pytest.param(302, b"", MissedReason.UPSTREAM, id="redirect"),
        pytest.param(204, b"", MissedReason.UPSTREAM, id="204"),
        pytest.param(418, b"", MissedReason.UPSTREAM, id="any other number"),
        pytest.param(200, b"", MissedReason.MALFORMED, id="200 empty"),
        pytest.param(200, b"null", MissedReason.MALFORMED, id="200 null"),
        pytest.param(200, b"<html>", MissedReason.MALFORMED, id="200 HTML"),
        pytest.param(200, b"[" * 100_000, MissedReason.MALFORMED, id="200 too deep"),
        pytest.param(200, b"\xff\xfe", MissedReason.MALFORMED, id="200 not text"),
        pytest.param(200, b"{}", MissedReason.MALFORMED, id="200 without keys"),
        pytest.param(200, b'{"error":"oops"}', MissedReason.MALFORMED, id="200 with an error inside"),
        pytest.param(200, encoded(account(suspended="no")), MissedReason.MALFORMED, id="suspended is text"),
        pytest.param(200, encoded(account(suspended=0)), MissedReason.MALFORMED, id="suspended is a number"),
        pytest.param(200, encoded(account(limited=[])), MissedReason.MALFORMED, id="limited is an array"),
        pytest.param(200, encoded(account(moved="x")), MissedReason.MALFORMED, id="moved is text"),
        pytest.param(200, encoded(account(id=1)), MissedReason.MALFORMED, id="id is a number"),
        pytest.param(200, encoded(account(username="")), MissedReason.MALFORMED, id="no username"),
        pytest.param(200, encoded(account(acct=None)), MissedReason.MALFORMED, id="no acct"),
        pytest.param(200, encoded(account(uri="ftp://x/y")), MissedReason.MALFORMED, id="odd uri"),
        pytest.param(200, encoded(account(uri=None, url=None)), MissedReason.MALFORMED, id="no address"),
    ],
)
def test_an_answer_that_states_nothing_is_unknown(status: int, body: bytes, reason: MissedReason) -> None:
    said = read_profile(status, body)
    assert isinstance(said, WireFault)
    assert said.reason is reason


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        pytest.param([account(), account(suspended=True)], MissedReason.CONTRADICTORY, id="twice, differing"),
        pytest.param([account(suspended="?")], MissedReason.MALFORMED, id="unreadable"),
        pytest.param([account(id=int(ALICE.local_id))], MissedReason.MALFORMED, id="id is a number"),
    ],
)
def test_an_odd_item_of_a_batch_is_a_miss_of_that_account(items: list[Any], reason: MissedReason) -> None:
    said = read_batch(200, encoded([*items, account(GRACE), 7, None]), [ALICE.local_id, GRACE.local_id])
    assert isinstance(said, dict)
    odd = said[ALICE.local_id]
    assert isinstance(odd, WireFault)
    assert odd.reason is reason
    assert isinstance(said[GRACE.local_id], Profile)


# another account under the id ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "created_on", "is_other"),
    [
        pytest.param({}, "2022-11-05", False, id="same uri, same day"),
        pytest.param({}, "2024-01-01", True, id="made on another day than the account on file"),
        pytest.param({"created_at": None}, "2024-01-01", False, id="no day to compare"),
        pytest.param({"uri": "https://mastodon.example/users/bob"}, None, True, id="another name"),
        pytest.param({"username": "bob"}, None, True, id="another username at the same address"),
        pytest.param({"uri": "https://mastodon.example/@ALICE"}, None, False, id="the same, spelt otherwise"),
        pytest.param({"uri": "https://social.example/users/alice"}, None, True, id="another server"),
        pytest.param({"uri": "https://mastodon.example/ap/users/5"}, None, True, id="a new kind of address"),
        pytest.param({"uri": None}, None, False, id="before 4.2: the profile's address speaks"),
        pytest.param(
            {"uri": None, "url": "https://social.example/@alice"}, None, True, id="and may speak against it"
        ),
    ],
)
def test_an_id_that_answers_as_another_account_is_noticed(
    parts: dict[str, Any], created_on: str | None, is_other: bool
) -> None:
    said = read_profile(200, encoded(account(**parts)))
    assert isinstance(said, Profile)
    assert (stranger(ALICE, said, created_on) is not None) is is_other


# actor documents and webfinger ---------------------------------------------------------------------------


@pytest.mark.parametrize("also", ["https://a.example/users/a", ["https://a.example/users/a", 7]])
def test_other_names_of_an_actor_are_read_with_or_without_a_list(also: object) -> None:
    document = sample_json("actor__active") | {"alsoKnownAs": also}
    said = read_actor(200, encoded(document))
    assert isinstance(said, ActorDocument)
    assert said.also_known_as == {"https://a.example/users/a"}


@pytest.mark.parametrize(
    "links",
    [
        pytest.param(None, id="none"),
        pytest.param([{"rel": "self", "type": "text/html", "href": "https://a.example/a"}], id="a page"),
        pytest.param([{"rel": "self", "type": "application/activity+json"}], id="no href"),
        pytest.param(
            [{"rel": "self", "type": "application/activity+json", "href": "file:///a"}], id="no http address"
        ),
        pytest.param([7, None, "self"], id="garbage"),
    ],
)
def test_a_webfinger_answer_without_an_actor_is_malformed(links: object) -> None:
    said = read_webfinger(200, json.dumps({"subject": "acct:a@a.example", "links": links}).encode())
    assert isinstance(said, WireFault)
    assert said.reason is MissedReason.MALFORMED


OTHER = "social.example"
BLOCKS = f"{OTHER}/api/v1/instance/domain_blocks"
BOB = "https://bad.example/users/bob#2"
HANDLES = {ALICE.native_id: "alice@mastodon.example", BOB: "bob@bad.example"}


@pytest.mark.parametrize(
    ("code", "body", "reason"),
    [
        (200, b"<html>", MissedReason.MALFORMED),
        (200, b"{}", MissedReason.MALFORMED),
        (200, encoded([7]), MissedReason.MALFORMED),
        (200, encoded([{"domain": "b*d.example", "severity": "suspend"}]), MissedReason.MALFORMED),
        (200, encoded([{"domain": "bad.example"}]), MissedReason.MALFORMED),
        (429, b"", MissedReason.RATE_LIMITED),
        (503, b"", MissedReason.UPSTREAM),
    ],
)
def test_a_list_that_cannot_be_read_says_nothing(code: int, body: bytes, reason: MissedReason) -> None:
    said = read_domain_blocks(code, body)
    assert isinstance(said, WireFault)
    assert said.reason is reason


def test_a_severity_that_is_no_block_and_a_name_without_a_digest_are_understood() -> None:
    entries = [{"domain": "a.example", "severity": "noop"}, {"domain": "b.example", "severity": "suspend"}]
    said = read_domain_blocks(200, encoded(entries))
    assert isinstance(said, DomainBlocks)
    assert said.match("a.example") is None
    assert said.match("b.example") is DomainBlockSeverity.SUSPEND


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (status(404), MissedReason.ACCESS),
        (status(401), MissedReason.ACCESS),
        (status(503), MissedReason.UPSTREAM),
        (Cut(), MissedReason.NETWORK),
    ],
)
async def test_blocks_that_are_not_told_are_trouble_that_stops_nothing_else(
    answer: Answer, reason: MissedReason
) -> None:
    async with asking({BLOCKS: answer}) as (mastodon, _):
        said = await mastodon.domain_blocks(OTHER, T0)
    assert isinstance(said, RequestFailure)
    assert (said.reason, said.breaker) == (reason, False)


# copies of accounts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("server", ["", "a b", "https://a.example", "a.example/x", "u@a.example"])
async def test_only_the_name_of_a_server_is_asked(server: str) -> None:
    async with asking({}) as (mastodon, _):
        with pytest.raises(ValueError, match="not a server name"):
            await mastodon.domain_blocks(server, T0)
        with pytest.raises(ValueError, match="not a server name"):
            await mastodon.seen_from(server, HANDLES, T0)


def status_of(said: Reading | Missed) -> Status | MissedReason:
    return said.state.status if isinstance(said, Reading) else said.reason


# ids -----------------------------------------------------------------------------------------------------


# a post that is served -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(post(), Status.AVAILABLE, id="public"),
        pytest.param(post(visibility="unlisted"), Status.AVAILABLE, id="unlisted"),
        pytest.param(post(account=account(limited=True)), Status.AVAILABLE, id="of a limited author"),
        pytest.param(
            post(account=account(moved=account(MastodonIdentity("https://b.example/users/a", "1")))),
            Status.AVAILABLE,
            id="of an author who moved",
        ),
        pytest.param(post(account=account(username="Alice", acct="Alice")), Status.AVAILABLE, id="letters"),
        pytest.param(post(id="110"), MissedReason.CONTRADICTORY, id="another id"),
        pytest.param(post(reblog=post()), MissedReason.UNCLASSIFIED, id="a boost"),
        pytest.param(
            post(account=account(username="bob", acct="bob")),
            MissedReason.UNCLASSIFIED,
            id="of another author",
        ),
        pytest.param(
            post(
                account=account(
                    MastodonIdentity("https://b.example/users/alice", "1"), acct="alice@b.example"
                )
            ),
            MissedReason.UNCLASSIFIED,
            id="a copy of a post of another server",
        ),
        pytest.param(
            post(account=account(suspended=True)), MissedReason.CONTRADICTORY, id="of a suspended author"
        ),
    ],
)
def test_what_is_served_is_available_if_it_is_the_named_authors_own(
    document: Any, expected: Status | MissedReason
) -> None:
    said = read_post(200, encoded(document))
    assert isinstance(said, ServedPost)
    assert status_of(served(POST, said, AT, domain=None)) is expected


# several at once -----------------------------------------------------------------------------------------


# a post that is not shown --------------------------------------------------------------------------------


# evidence ------------------------------------------------------------------------------------------------
