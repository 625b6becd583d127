"""No answer of Bluesky's servers, however broken, raises or is read as more than it states."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.wire.errors import Absence
from collectors.bluesky.wire.evidence import excerpt
from collectors.bluesky.wire.identity import (
    DidDocument,
    NoDid,
    name_of,
    post_named,
    read_document,
    read_log,
    read_resolved,
)
from collectors.bluesky.wire.posts import read_posts, read_record
from collectors.bluesky.wire.profiles import (
    RepoStatus,
    read_profile,
    read_profiles,
    read_public_profiles,
    read_repo_status,
    verdict,
)
from collectors.bluesky.wire.records import (
    COLLECTIONS,
    RecordPage,
    positions_of,
    read_records,
    read_relationships,
)
from collectors.bluesky.wire.repo_proof import read_proof
from collectors.core.collector import Exchange
from collectors.core.wire import WireFault, is_object
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, Status
from tests.fuzz.mutation import any_json, broken
from tests.support.samples.bluesky_answers import (
    ALICE,
    AT,
    BOB,
    CAROL,
    DAVE,
    ERIN,
    HEARD,
    LABEL,
    LABELERS,
    PROFILE,
    REGION,
    made,
    recorded,
    recorded_json,
)
from tests.support.simulated.scripted_bluesky import shown_post

WORDS = st.sampled_from(
    [ALICE, CAROL, REGION, *PROFILE, *LABEL, "!hide", "neg", "exp", "AccountTakedown", "Profile not found"]
)
ANY_JSON = any_json(WORDS)
ASKED = [CAROL, DAVE, ALICE]
BATCHES = [recorded_json(f"get_profiles__{name}") for name in ("labels_region", "labels_default", "active")]
ABSENCES = [
    recorded_json(f"get_profile__{name}") for name in ("taken_down", "deactivated", "deleted", "bad_input")
]
REPOS = [recorded_json(f"get_repo_status__{name}") for name in ("active", "taken_down", "deleted")]
TEXTS = ("get_profile__taken_down", "get_repo_status__taken_down", "get_profiles__labels_region")


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a value that should be an array of them."""
    items = cast("list[Any]", value if isinstance(value, list) else [])
    return [item for item in items if is_object(item)]


def states_it(document: Any, reading: Reading) -> bool:
    """Whether the JSON itself says what the reading says: written apart from the code under test."""
    own = [one for one in objects(document.get("profiles")) if one.get("did") == reading.native_id]
    if not own or reading.state.status not in {Status.AVAILABLE, Status.WITHHELD}:
        return False
    for one in own:
        labelled = any(
            label.get("src") == REGION
            and label.get("uri") == reading.native_id
            and label.get("val") in {"!hide", "!takedown", "!warn"}
            and not label.get("neg")
            and label.get("exp") is None
            for label in objects(one.get("labels"))
        )
        if labelled is not (reading.state.status is Status.WITHHELD):
            return False
        if not labelled and "labels" not in one and reading.silent_on != frozenset({"TR"}):
            return False
        if reading.handle is not None and one.get("handle") != reading.handle:
            return False
    return True


POST = f"at://{CAROL}/app.bsky.feed.post/3k5"
POSTS = [
    {"posts": [shown_post(POST), shown_post(f"at://{DAVE}/app.bsky.feed.post/3k5")]},
    {"posts": [shown_post(POST, labels=[{**LABEL, "uri": POST}])]},
    {"posts": [shown_post(POST, author={**PROFILE, "labels": [dict(LABEL)]})]},
]


def post_states_it(document: Any, reading: Reading) -> bool:
    """Whether the JSON itself says so of a post: written apart from the code under test."""
    uri, author = reading.native_id, reading.native_id.split("/")[2]
    own = [one for one in objects(document.get("posts")) if one.get("uri") == uri]
    if not own or reading.state.status not in {Status.AVAILABLE, Status.WITHHELD}:
        return False
    for one in own:
        labels = [*objects(one.get("labels")), *objects(one["author"].get("labels"))]
        held = [
            label["uri"]
            for label in labels
            if label.get("src") == REGION
            and label.get("uri") in (uri, author)
            and label.get("val") in {"!hide", "!takedown", "!warn"}
            and not label.get("neg")
            and label.get("exp") is None
        ]
        if bool(held) is not (reading.state.status is Status.WITHHELD) or one["author"]["did"] != author:
            return False
        if Flag.WITH_AUTHOR in reading.flags and uri in held:
            return False
        if reading.handle not in {None, f"{one['author']['handle']}/{uri.rpartition('/')[2]}"}:
            return False
    return True


ANY_ANSWER = st.binary(max_size=60) | ANY_JSON.map(lambda value: json.dumps(value).encode())


@given(ANY_ANSWER, st.integers(100, 599), st.none() | st.text(max_size=40))
def test_no_answer_whatsoever_raises_or_leaves_an_account_out(
    body: bytes, status: int, heard: str | None
) -> None:
    answer = made(status, body, heard)
    profiles = read_profiles(answer, [*ASKED, CAROL], LABELERS)
    said = [one.native_id for one in (*profiles.readings, *profiles.missed)]
    assert sorted([*said, *profiles.missing]) == sorted(ASKED)
    alone = read_profile(answer, CAROL, LABELERS)
    identity, repo = read_document(answer, CAROL), read_repo_status(answer, CAROL)
    for absence in Absence:
        assert verdict(CAROL, absence, identity, repo, answer).native_id == CAROL
    assert status == 200 or not isinstance(alone, Reading)
    assert status == 400 or not isinstance(alone, Absence)
    read_log(answer, CAROL)
    read_resolved(answer)
    read_relationships(answer, CAROL)
    public = read_public_profiles(answer, [*ASKED, CAROL])
    assert isinstance(public, WireFault) or {one.native_id for one in public} <= {*ASKED, CAROL}
    excerpt(answer, [*ASKED, POST])
    posts = read_posts(answer, [POST, POST], LABELERS)
    assert [one.native_id for one in (*posts.readings, *posts.missed)] + [*posts.missing] == [POST]
    assert status == 200 or read_record(answer, POST) is not True
    read_proof(answer, CAROL, "app.bsky.feed.post/3k5")
    post_named(body.decode(errors="replace"))
    for collection in COLLECTIONS:
        read_records(answer, CAROL, collection)


@given(broken(BATCHES, ANY_JSON))
def test_no_reading_says_more_than_the_answer_states(document: Any) -> None:
    profiles = read_profiles(made(200, document, HEARD), ASKED, LABELERS)
    said = [one.native_id for one in (*profiles.readings, *profiles.missed)]
    assert sorted([*said, *profiles.missing]) == sorted(ASKED)
    for reading in profiles.readings:
        assert states_it(document, reading), reading
    excerpt(made(200, document), ASKED)


@given(broken(POSTS, ANY_JSON))
def test_no_reading_of_a_post_says_more_than_the_answer_states(document: Any) -> None:
    said = read_posts(made(200, document, HEARD), [POST], LABELERS)
    assert [one.native_id for one in (*said.readings, *said.missed)] + [*said.missing] == [POST]
    for reading in said.readings:
        assert post_states_it(document, reading), reading
    excerpt(made(200, document), [POST])


@given(
    broken(
        [{"uri": POST, "cid": "b", "value": {"text": ""}}, {"error": "RecordNotFound", "message": ""}],
        ANY_JSON,
    )
)
def test_no_record_is_read_out_of_an_answer_that_does_not_name_it(document: Any) -> None:
    for status in (200, 400):
        said = read_record(made(status, document), POST)
        if said is True:
            assert (status, document["uri"]) == (200, POST)
        elif said is False:
            assert (status, document["error"]) == (400, "RecordNotFound")


@given(broken(ABSENCES, ANY_JSON))
def test_no_absence_is_read_out_of_an_error_that_does_not_name_it(document: Any) -> None:
    said = read_profile(made(400, document), CAROL, LABELERS)
    if isinstance(said, Absence):
        not_found = ("InvalidRequest", "Profile not found")
        exact = (document["error"], document.get("message")) == not_found
        assert exact if said is Absence.NOT_FOUND else document["error"] == said.value
    else:
        assert isinstance(said, Missed)


@given(broken(REPOS, ANY_JSON), st.sampled_from([200, 400]))
def test_no_repo_status_is_read_out_of_an_answer_that_does_not_state_it(document: Any, status: int) -> None:
    said = read_repo_status(made(status, document), ALICE)
    if isinstance(said, WireFault):
        return
    if said is RepoStatus.GONE and status == 400:
        assert document["error"] == "RepoNotFound"
        return
    assert document["did"] == ALICE
    assert document["active"] is (said is RepoStatus.ACTIVE)
    words = {"takendown", "suspended"} if said is RepoStatus.TAKEN_DOWN else {said.value, "deleted", None}
    assert document.get("status") in words


@given(st.sampled_from(TEXTS), st.data())
def test_a_cut_answer_states_nothing_wherever_it_was_cut(name: str, data: st.DataObject) -> None:
    answer = recorded(name)
    short = replace(answer, body=answer.body[: data.draw(st.integers(0, len(answer.body) - 1))])
    profiles = read_profiles(short, ASKED, LABELERS)
    assert (profiles.readings, profiles.missing) == ((), ())
    alone = read_profile(short, ALICE, LABELERS)
    assert isinstance(alone, Missed)
    assert alone.reason is MissedReason.MALFORMED
    assert isinstance(read_repo_status(short, ALICE), WireFault)
    assert isinstance(read_document(short, ALICE), WireFault)


@given(broken([recorded_json("plc_document__tombstoned"), recorded_json("plc_document__deleted")], ANY_JSON))
def test_nobody_is_called_gone_by_a_document_that_is_not_the_directorys_word(document: Any) -> None:
    for did in (ERIN, ALICE):
        said = read_document(made(404, document), did)
        assert not isinstance(said, NoDid) or document["message"] == f"{said.value}: {did}"


@pytest.mark.parametrize("anything", [[], {}, None, 1])
def test_a_name_may_be_of_any_type(anything: object) -> None:
    """Whoever writes a DID document, a label of their own or a record chooses what stands in it."""
    server = {"id": ALICE, "service": [{"id": anything, "serviceEndpoint": "https://pds.example"}]}
    assert isinstance(read_document(made(200, server), ALICE), DidDocument)
    profile = {**PROFILE, "labels": [{**LABEL, "src": PROFILE["did"], "uri": anything}]}
    assert isinstance(read_profile(made(200, profile), PROFILE["did"], LABELERS), Reading)
    posts = recorded_json("list_records__posts_reply_quote")
    for record in posts["records"]:
        record["value"]["embed"] = {"$type": anything}
    assert isinstance(read_records(made(200, posts), BOB, "app.bsky.feed.post"), RecordPage)


@given(broken([recorded_json("list_records__posts_reply_quote")], ANY_JSON))
def test_no_act_is_somebody_elses(document: Any) -> None:
    page = read_records(made(200, document), BOB, "app.bsky.feed.post")
    for record in page.records if isinstance(page, RecordPage) else ():
        for signal in record.signals:
            assert signal.native_id == f"at://{BOB}/app.bsky.feed.post/{record.rkey}"
            assert signal.target_id is None or signal.target_id in json.dumps(document)


@given(st.text(max_size=60))
def test_no_text_that_a_user_may_write_raises(text: str) -> None:
    name_of(text)
    with suppress(ValueError):
        positions_of(text)


@given(st.sampled_from(TEXTS), st.text(max_size=30))
def test_evidence_is_cut_out_of_any_address(name: str, url: str) -> None:
    exchange = recorded(name)
    excerpt(Exchange(url, AT, exchange.http_status, exchange.body), [ALICE])
