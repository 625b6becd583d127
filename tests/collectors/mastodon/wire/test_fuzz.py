"""No answer of a Mastodon server, however broken, raises or is read as more than it states."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from collectors.core.collector import Exchange
from collectors.core.wire import WireFault, is_object
from collectors.mastodon.wire.answers import (
    Absent,
    ActorDocument,
    Profile,
    profile_of,
    read_actor,
    read_batch,
    read_profile,
    read_webfinger,
)
from collectors.mastodon.wire.evidence import excerpt
from collectors.mastodon.wire.identity import (
    MastodonIdentity,
    MastodonPostIdentity,
    acct_of,
    host_of,
    name_of,
    post_of,
    username_of,
)
from collectors.mastodon.wire.moderation import read_domain_blocks
from collectors.mastodon.wire.posts import (
    NoteDocument,
    ServedPost,
    gone_alone,
    gone_with_absent,
    read_note,
    read_own_posts,
    read_post,
    read_posts,
    served,
)
from collectors.mastodon.wire.status import absent, available, stranger, suspended
from collectors.mastodon.wire.timeline import (
    MastodonTimelinePage,
    completed,
    next_max_id,
    read_favourites,
    read_page,
    read_targets,
)
from storage.model.core.availability import Flag, MissedReason, Reading, Status
from tests.fuzz.mutation import any_json, broken
from tests.support.samples.mastodon_answers import (
    ALICE,
    AT,
    GRACE,
    POST,
    account,
    encoded,
    post,
    sample_json,
)

HOST = "mastodon.example"
WORDS = st.sampled_from(
    [*account(), ALICE.local_id, ALICE.actor, "suspended", "limited", "moved", "memorial", "error", "links"]
)
ANY_JSON = any_json(WORDS)
ACCOUNTS = (
    account(),
    sample_json("account__suspended"),
    sample_json("account__moved"),
    account(limited=True, memorial=True, suspended=None),
)
POSTS = (post(), post(reblog=post()), post(account=account(suspended=True)))
DOCUMENTS = (
    *ACCOUNTS,
    *POSTS,
    {"id": POST.native_id, "type": "Note"},
    sample_json("actor__suspended_temporary"),
    sample_json("webfinger__plain"),
    sample_json("statuses__acts"),
    sample_json("domain_blocks__obfuscated"),
)


def reading_of(profile: Profile) -> Reading:
    if profile.suspended:
        reading = suspended(ALICE, WireFault(MissedReason.ACCESS, ""), AT)
        assert isinstance(reading, Reading)
        return reading
    return available(ALICE, profile, AT, domain=None, proven=False)


def read_all(status: int, body: bytes) -> None:
    """Whatever comes is taken by every function that reads answers."""
    read_profile(status, body)
    read_actor(status, body)
    read_webfinger(status, body)
    read_batch(status, body, [ALICE.local_id, GRACE.local_id])
    read_targets(status, body, HOST)
    read_favourites(status, body, HOST)
    read_post(status, body)
    read_posts(status, body, [POST.local_id])
    read_own_posts(status, body)
    read_note(status, body)
    blocks = read_domain_blocks(status, body)
    if not isinstance(blocks, WireFault):
        blocks.match("a.b.example")
    page = read_page(status, body, HOST)
    if isinstance(page, MastodonTimelinePage):
        completed(page.acts, page.targets)
    ids = [ALICE.native_id, GRACE.native_id, POST.native_id]
    for url in (f"https://{HOST}/api/v1/accounts", f"https://{HOST}/api/v1/statuses"):
        for address in (url, *(f"{url}/1 asked for {native_id}" for native_id in ids)):
            json.dumps(excerpt(Exchange(address, AT, status, body), ids))


@given(st.binary(max_size=60) | ANY_JSON.map(encoded), st.integers(100, 599))
def test_no_answer_whatsoever_raises(body: bytes, status: int) -> None:
    read_all(status, body)


@given(broken(DOCUMENTS, ANY_JSON), st.sampled_from([200, 404, 410]))
def test_no_answer_that_is_nearly_right_raises(document: Any, status: int) -> None:
    read_all(status, encoded(document))


@given(broken(ACCOUNTS, ANY_JSON))
def test_no_reading_says_more_than_the_answer_states(document: Any) -> None:
    said = read_profile(200, encoded(document))
    if not isinstance(said, Profile):
        return
    reading = reading_of(said)
    assert (reading.state.status is Status.SUSPENDED) is (document.get("suspended") is True)
    assert (Flag.LIMITED in reading.flags) <= (document.get("limited") is True)
    assert (Flag.MEMORIAL in reading.flags) <= (document.get("memorial") is True)
    assert (Flag.MOVED_UNPROVEN in reading.flags) <= is_object(document.get("moved"))
    if stranger(ALICE, said, None) is None:
        assert HOST in str(document.get("uri") or document.get("url"))


@given(st.lists(broken(ACCOUNTS, ANY_JSON), max_size=4))
def test_a_batch_says_of_an_account_only_what_its_own_item_states(items: list[Any]) -> None:
    said = read_batch(200, encoded(items), [ALICE.local_id])
    assert isinstance(said, dict)
    own = [item for item in items if is_object(item) and item.get("id") == ALICE.local_id]
    found = said.get(ALICE.local_id)
    if isinstance(found, Profile):
        assert all(profile_of(json.loads(encoded(item))) == found for item in own)
    assert (found is not None) >= bool(own)


@given(st.sampled_from(DOCUMENTS), st.data())
def test_a_cut_answer_states_nothing_wherever_it_was_cut(document: Any, data: st.DataObject) -> None:
    answer = encoded(document)
    cut = answer[: data.draw(st.integers(0, len(answer) - 1))]
    for said in (
        read_profile(200, cut),
        read_batch(200, cut, [ALICE.local_id]),
        read_post(200, cut),
        read_posts(200, cut, [POST.local_id]),
        read_note(200, cut),
        read_actor(200, cut),
        read_webfinger(200, cut),
        read_page(200, cut, HOST),
        read_targets(200, cut, HOST),
        read_favourites(200, cut, HOST),
        read_domain_blocks(200, cut),
    ):
        assert isinstance(said, WireFault)
        assert said.reason is MissedReason.MALFORMED


@given(st.integers(100, 599), st.binary(max_size=20), st.integers(100, 599), st.sampled_from([404, 410]))
def test_an_account_is_gone_only_when_two_answers_agree(
    webfinger: int, body: bytes, document: int, by_id: int
) -> None:
    first, second = read_webfinger(webfinger, body), read_actor(document, body)
    said = absent(ALICE, Absent(by_id, in_json=True), first, None, second, AT)
    if isinstance(said, Reading):
        agree = webfinger == by_id == 404 or 410 in {webfinger, document}
        assert agree
        assert said.state.status is (Status.SUSPENDED if 410 in {webfinger, document} else Status.NOT_FOUND)


@given(broken(POSTS, ANY_JSON))
def test_a_post_is_available_only_if_the_answer_states_it_of_the_named_author(document: Any) -> None:
    said = read_post(200, encoded(document))
    if not isinstance(said, ServedPost):
        return
    reading = served(POST, said, AT, domain=None)
    if isinstance(reading, Reading):
        author = document["account"]
        assert reading.state.status is Status.AVAILABLE
        assert document["id"] == POST.local_id
        assert document.get("reblog") is None
        assert author["username"].casefold() == POST.name
        assert author.get("suspended") is not True
        assert HOST in str(author.get("uri") or author.get("url"))


@given(st.integers(100, 599), st.integers(100, 599), st.binary(max_size=20), st.sampled_from([404, 410]))
def test_a_post_is_gone_only_when_a_second_answer_does_not_contradict_it(
    page: int, webfinger: int, body: bytes, by_name: int
) -> None:
    note, finger = read_note(page, body), read_webfinger(webfinger, body)
    alone = gone_alone(POST, note, AT)
    if isinstance(alone, Reading):
        assert alone.state.status is Status.NOT_FOUND
        assert page in {200, 400, 401, 403, 404, 410}
        assert not isinstance(note, NoteDocument)
    both = gone_with_absent(POST, Absent(by_name, in_json=True), finger, AT)
    if isinstance(both, Reading):
        assert 410 in {by_name, webfinger} or by_name == webfinger == 404
        assert Flag.WITH_AUTHOR in both.flags
        assert both.state.status is (Status.SUSPENDED if 410 in {by_name, webfinger} else Status.NOT_FOUND)


@given(broken([{"suspended": True, "id": ALICE.actor, "type": "Person"}], ANY_JSON))
def test_only_a_document_that_says_so_makes_a_suspension_temporary(document: Any) -> None:
    actor = read_actor(200, encoded(document))
    reading = suspended(ALICE, actor, AT)
    assert isinstance(reading, Reading)
    states_it = document.get("suspended") is True and document.get("id") == ALICE.actor
    assert (Flag.TEMPORARY in reading.flags) is (isinstance(actor, ActorDocument) and states_it)
    assert len(reading.flags) == 1


@given(st.text(max_size=60) | st.from_regex(r"https?://[a-z.@:/#\[\]%0-9]{0,40}", fullmatch=True))
def test_no_text_whatsoever_breaks_the_reading_of_names_and_addresses(text: str) -> None:
    for read in (host_of, username_of, acct_of, name_of, post_of, next_max_id):
        read(text)
    who = MastodonIdentity.of(text)
    if who is not None:
        assert who.native_id == text
        assert who.host
        assert "@" not in who.host
    written = MastodonPostIdentity.of(text)
    if written is not None:
        assert written.native_id == text
        assert who is None
        assert "@" not in written.host
