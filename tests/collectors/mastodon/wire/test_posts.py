"""What the home server's answers prove about a post: every documented answer, and what must stay unknown."""

from typing import Any

import pytest

from collectors.core.collector import Exchange
from collectors.core.wire import WireFault
from collectors.mastodon.declaration import DECLARATION
from collectors.mastodon.wire.answers import (
    Absent,
    ActorDocument,
    Jrd,
    NoBatch,
    Profile,
    profile_of,
    read_actor,
)
from collectors.mastodon.wire.evidence import about_another, address_of, excerpt
from collectors.mastodon.wire.identity import MastodonIdentity, MastodonPostIdentity
from collectors.mastodon.wire.posts import (
    NoteDocument,
    ServedPost,
    gone_alone,
    gone_with_absent,
    gone_with_suspended,
    is_author,
    read_note,
    read_own_posts,
    read_post,
    read_posts,
    served,
)
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, Status, Strength
from storage.model.evidence.decisive import decisive_words
from tests.support.samples.mastodon_answers import (
    ALICE,
    AT,
    POST,
    account,
    encoded,
    post,
    sample,
    sample_json,
)

SIBLING = MastodonPostIdentity.at(POST.server, POST.name, "110")
GONE = Absent(404, in_json=True)
LIMITED = WireFault(MissedReason.RATE_LIMITED, "HTTP 429")


def profile(**parts: Any) -> Profile:
    said = profile_of(account(**parts))
    assert isinstance(said, Profile)
    return said


def status_of(said: Reading | Missed) -> Status | MissedReason:
    return said.state.status if isinstance(said, Reading) else said.reason


# ids -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("native_id", "place"),
    [
        pytest.param("https://one.example/@ann/109", "one.example/posts", id="the page of a post"),
        pytest.param("https://One.Example:3000/@a.b/01HZ", "one.example:3000/posts", id="other software"),
        pytest.param("https://one.example/@ann@two.example/109", None, id="shown at another server"),
        pytest.param("https://one.example/@ann/media", None, id="a part of a profile"),
        pytest.param("https://one.example/@ann/with_replies", None, id="another part"),
        pytest.param("https://one.example/@ann/109?x=1", None, id="a query"),
        pytest.param("https://one.example/users/ann/statuses/109", None, id="the URI"),
        pytest.param("https://one.example/users/ann#109", None, id="an account"),
        pytest.param("ann@one.example/109", None, id="a handle"),
    ],
)
def test_a_post_is_named_by_its_page_at_the_server_of_its_author(native_id: str, place: str | None) -> None:
    who = MastodonPostIdentity.of(native_id)
    assert (who.place if who else None) == place
    assert DECLARATION.is_post(native_id) is (who is not None)
    assert who is None or who.native_id == native_id


# a post that is served -----------------------------------------------------------------------------------

IN_ODD_SHAPES = [
    pytest.param([], id="a list"),
    pytest.param({"error": "Record could not be shown"}, id="an error under 200"),
    pytest.param(post() | {"id": 109}, id="a number as id"),
    pytest.param({key: value for key, value in post().items() if key != "account"}, id="no author"),
    pytest.param(post(account=None), id="the author is null"),
    pytest.param(post(account=account(suspended="no")), id="the author cannot be read"),
    pytest.param(post(reblog=7), id="reblog is no post"),
    pytest.param({"status_" + key: value for key, value in post().items()}, id="renamed fields"),
]


@pytest.mark.parametrize("document", IN_ODD_SHAPES)
def test_a_post_of_an_odd_shape_states_nothing(document: Any) -> None:
    said = read_post(200, encoded(document))
    assert isinstance(said, WireFault)
    assert said.reason is MissedReason.MALFORMED


@pytest.mark.parametrize(
    ("http_status", "reason"),
    [
        (400, MissedReason.BAD_REQUEST),
        (401, MissedReason.ACCESS),
        (403, MissedReason.ACCESS),
        (422, MissedReason.UPSTREAM),
        (429, MissedReason.RATE_LIMITED),
        (500, MissedReason.UPSTREAM),
        (302, MissedReason.UPSTREAM),
    ],
)
def test_a_refusal_says_nothing_of_the_post(http_status: int, reason: MissedReason) -> None:
    said = read_post(http_status, encoded(post()))
    assert isinstance(said, WireFault)
    assert said.reason is reason


@pytest.mark.parametrize(
    ("edited_at", "flags"),
    [
        pytest.param(None, frozenset[Flag](), id="never edited"),
        pytest.param("2021-02-01T10:00:00.000Z", {Flag.EDITED}, id="edited"),
    ],
)
def test_that_a_post_was_edited_is_a_side_fact(edited_at: str | None, flags: set[Flag]) -> None:
    document = encoded(post(edited_at=edited_at))
    said = read_post(200, document)
    assert isinstance(said, ServedPost)
    reading = served(POST, said, AT, domain="example.org")
    assert isinstance(reading, Reading)
    assert reading.flags == flags
    kept = _kept(
        "https://one.example/api/v1/statuses/109", POST.native_id, post(edited_at=edited_at), POST.native_id
    )
    assert ("edited_at" in kept[POST.native_id]) is bool(flags)


@pytest.mark.parametrize("http_status", [404, 410])
def test_a_post_that_is_not_shown_is_absent_in_json_or_not(http_status: int) -> None:
    assert read_post(http_status, b'{"error":"Record not found"}') == Absent(http_status, in_json=True)
    assert read_post(http_status, b"<html>") == Absent(http_status, in_json=False)


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


@pytest.mark.parametrize(
    ("acct", "domain", "handle"),
    [
        pytest.param("alice", None, None, id="how names end there is not known"),
        pytest.param("alice", "example.org", "alice@example.org/109", id="known"),
        pytest.param("alice@example.org", None, "alice@example.org/109", id="said by other software"),
    ],
)
def test_the_handle_of_a_post_names_its_author_and_no_rename_is_made_up(
    acct: str, domain: str | None, handle: str | None
) -> None:
    said = read_post(200, encoded(post(account=account(acct=acct))))
    assert isinstance(said, ServedPost)
    reading = served(POST, said, AT, domain=domain)
    assert isinstance(reading, Reading)
    assert (reading.handle, reading.strength, reading.flags) == (handle, Strength.STRONG, frozenset())


# several at once -----------------------------------------------------------------------------------------


def test_in_a_batch_each_post_is_read_by_its_id_and_what_is_left_out_stays_open() -> None:
    items = [post(id="110"), {"id": "109"}, post(id="7"), {"error": "odd"}, None]
    said = read_posts(200, encoded(items), ["109", "110", "111"])
    assert isinstance(said, dict)
    assert set(said) == {"109", "110"}
    assert isinstance(said["110"], ServedPost)
    assert isinstance(said["109"], WireFault)


def test_a_post_that_is_twice_in_an_answer_with_different_content_is_contradictory() -> None:
    said = read_posts(200, encoded([post(), post(reblog=post())]), ["109"])
    assert said == {
        "109": WireFault(
            MissedReason.CONTRADICTORY, "the post is twice in the answer, with different content"
        )
    }
    assert isinstance(read_posts(200, encoded([post(), post()]), ["109"]), dict)


@pytest.mark.parametrize(
    ("http_status", "body"),
    [(404, b""), (401, b""), (405, b""), (422, b'{"error":"Validation failed"}'), (501, b""), (200, b"{}")],
)
def test_a_server_that_does_not_answer_about_several_posts_is_asked_about_each(
    http_status: int, body: bytes
) -> None:
    assert read_posts(http_status, body, ["109"]) == NoBatch()


@pytest.mark.parametrize(("http_status", "body"), [(200, b"<html>"), (200, b""), (503, b""), (429, b"")])
def test_a_batch_that_failed_states_nothing(http_status: int, body: bytes) -> None:
    assert isinstance(read_posts(http_status, body, ["109"]), WireFault)


def test_control_posts_are_chosen_among_own_posts_only() -> None:
    found = read_own_posts(200, encoded([post(), post(id="110", reblog=post()), {"id": "111"}, 7]))
    assert [one.local_id for one in found] == ["109"]
    assert read_own_posts(200, b"{}") == read_own_posts(404, encoded([post()])) == ()


# a post that is not shown --------------------------------------------------------------------------------

TEMPORARY = read_actor(200, sample("actor__suspended_temporary").body)


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        pytest.param(TEMPORARY, Flag.TEMPORARY, id="for a time"),
        pytest.param(Absent(410, in_json=False), Flag.SUSPENDED_OR_DELETED, id="for good, or deleted"),
        pytest.param(
            WireFault(MissedReason.ACCESS, "HTTP 401"), Flag.SUSPENDED_OR_DELETED, id="signed requests only"
        ),
        pytest.param(LIMITED, MissedReason.RATE_LIMITED, id="the kind could not be asked"),
    ],
)
def test_a_post_of_a_suspended_author_is_gone_with_the_author(
    actor: ActorDocument | Absent | WireFault, expected: Flag | MissedReason
) -> None:
    said = gone_with_suspended(POST, profile(suspended=True), actor, AT)
    assert said.native_id == POST.native_id
    if isinstance(said, Missed):
        assert said.reason is expected
    else:
        assert (said.state.status, said.strength) == (Status.SUSPENDED, Strength.STRONG)
        assert said.flags == {expected, Flag.WITH_AUTHOR}


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        pytest.param(GONE, Status.NOT_FOUND, id="the page is not there either"),
        pytest.param(Absent(410, in_json=True), Status.NOT_FOUND, id="other software: a tombstone"),
        pytest.param(WireFault(MissedReason.ACCESS, "HTTP 401"), Status.NOT_FOUND, id="signed requests only"),
        pytest.param(
            WireFault(MissedReason.MALFORMED, "html"), Status.NOT_FOUND, id="other software: any page"
        ),
        pytest.param(NoteDocument(POST.native_id), MissedReason.CONTRADICTORY, id="the page is there"),
        pytest.param(LIMITED, MissedReason.RATE_LIMITED, id="the page could not be asked"),
        pytest.param(WireFault(MissedReason.NETWORK, "cut"), MissedReason.NETWORK, id="no answer"),
        pytest.param(WireFault(MissedReason.UPSTREAM, "HTTP 503"), MissedReason.UPSTREAM, id="an error"),
    ],
)
def test_a_post_that_is_gone_without_its_author_is_not_found_and_by_whom_is_not_said(
    note: NoteDocument | Absent | WireFault, expected: Status | MissedReason
) -> None:
    said = gone_alone(POST, note, AT)
    assert status_of(said) is expected
    if isinstance(said, Reading):
        assert (said.strength, said.flags) == (Strength.WEAK, frozenset())


@pytest.mark.parametrize(
    ("lookup", "webfinger", "expected"),
    [
        pytest.param(GONE, GONE, Status.NOT_FOUND, id="no such author"),
        pytest.param(GONE, Absent(410, in_json=False), Status.SUSPENDED, id="gone for good by webfinger"),
        pytest.param(Absent(410, in_json=True), GONE, Status.SUSPENDED, id="gone for good by an old server"),
        pytest.param(
            GONE, Jrd(ALICE.actor, None), MissedReason.CONTRADICTORY, id="webfinger knows the author"
        ),
        pytest.param(GONE, LIMITED, MissedReason.RATE_LIMITED, id="webfinger could not be asked"),
        pytest.param(
            GONE, WireFault(MissedReason.ACCESS, "HTTP 401"), MissedReason.ACCESS, id="webfinger refuses"
        ),
    ],
)
def test_a_post_whose_author_is_not_found_is_gone_with_the_author(
    lookup: Absent, webfinger: Jrd | Absent | WireFault, expected: Status | MissedReason
) -> None:
    said = gone_with_absent(POST, lookup, webfinger, AT)
    assert status_of(said) is expected
    if isinstance(said, Reading):
        assert Flag.WITH_AUTHOR in said.flags
        assert (Flag.SUSPENDED_OR_DELETED in said.flags) is (expected is Status.SUSPENDED)
        assert said.strength is (Strength.STRONG if expected is Status.SUSPENDED else Strength.WEAK)


def test_the_author_is_the_account_of_that_name_at_that_server() -> None:
    assert is_author(POST, profile())
    assert not is_author(POST, profile(username="bob", acct="bob"))
    elsewhere = profile_of(account(MastodonIdentity("https://b.example/users/alice", "1")))
    assert isinstance(elsewhere, Profile)
    assert not is_author(POST, elsewhere)


@pytest.mark.parametrize(
    ("http_status", "body", "expected"),
    [
        pytest.param(200, encoded({"id": POST.native_id, "type": "Note"}), NoteDocument, id="the document"),
        pytest.param(200, b"<html>", WireFault, id="a web page"),
        pytest.param(200, encoded({"id": "note"}), WireFault, id="no address"),
        pytest.param(404, b"<html>", Absent, id="not shown"),
        pytest.param(401, b"", WireFault, id="signed requests only"),
        pytest.param(403, b"", WireFault, id="the author is suspended for a time"),
    ],
)
def test_the_page_of_a_post_as_other_servers_see_it(
    http_status: int, body: bytes, expected: type[object]
) -> None:
    assert isinstance(read_note(http_status, body), expected)


# evidence ------------------------------------------------------------------------------------------------


def _kept(address: str, asked_for: str, document: object, *ids: str) -> dict[str, Any]:
    return excerpt(Exchange(address_of(address, (), asked_for), AT, 200, encoded(document)), ids)


def test_evidence_about_a_post_holds_what_decides_and_no_word_of_it() -> None:
    said = post(content="secret", spoiler_text="secret", account=account(note="secret"))
    one = _kept(f"{POST.server}/api/v1/statuses/109", POST.native_id, said, POST.native_id)
    several = _kept(f"{POST.server}/api/v1/statuses", "", [said, post(id="110")], POST.native_id)
    assert one == several
    (about,) = one.values()
    assert b"secret" not in encoded(about)
    assert set(about) == {"id", "uri", "url", "created_at", "account", "reblog"}
    content = encoded([{"http_status": 200, "about": about}])
    assert decisive_words(content, DECLARATION.decisive) == ['HTTP 200: no "suspended"; "reblog": false']


def test_an_answer_about_accounts_is_no_evidence_about_a_post_with_the_same_number() -> None:
    who = MastodonIdentity(ALICE.actor, "109")
    ids = (POST.native_id, who.native_id)
    assert set(_kept(f"{POST.server}/api/v1/accounts", "", [account(who)], *ids)) == {who.native_id}
    assert set(_kept(f"{POST.server}/api/v1/statuses", "", [post()], *ids)) == {POST.native_id}


def test_what_is_said_of_an_author_is_evidence_about_each_of_the_authors_posts() -> None:
    address = address_of(f"{POST.server}/api/v1/accounts/lookup", [("acct", "alice")], POST.native_id)
    exchange = Exchange(address, AT, 200, encoded(sample_json("account__suspended")))
    again = about_another(exchange, SIBLING.native_id)
    ids = (POST.native_id, SIBLING.native_id)
    (first,), (second,) = excerpt(exchange, ids).items(), excerpt(again, ids).items()
    assert (first[0], second[0]) == ids
    assert first[1] == second[1]
    assert isinstance(first[1], dict)
    assert first[1]["suspended"] is True
