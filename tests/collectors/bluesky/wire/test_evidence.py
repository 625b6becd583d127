"""What is kept of the answers of Bluesky: what bears on a status, and nothing personal."""

import json

import pytest

from collectors.bluesky.wire.evidence import excerpt
from tests.support.samples.bluesky_answers import (
    ALICE,
    BOB,
    CAROL,
    ERIN,
    LABEL,
    NOBODY,
    made,
    recorded,
    recorded_json,
)


def test_evidence_of_a_batch_keeps_did_handle_and_labels_of_one_account_and_nothing_personal() -> None:
    about = excerpt(recorded("get_profiles__labels_region"), [CAROL, ERIN])
    assert about == {CAROL: {"did": CAROL, "handle": "carol.test", "labels": [dict(LABEL)]}}


def test_evidence_leaves_out_labels_on_posts_and_what_the_owner_wrote() -> None:
    answer = recorded("get_profile__no_unauthenticated")
    text = json.dumps(excerpt(answer, [BOB]))
    assert "!no-unauthenticated" in text
    for personal in ("Bob", "test bob", "followersCount", "bsky.actor.status"):
        assert personal not in text


@pytest.mark.parametrize(
    ("name", "did", "about"),
    [
        (
            "get_profile__taken_down",
            ALICE,
            {"error": "AccountTakedown", "message": "Account has been suspended"},
        ),
        ("get_repo_status__taken_down", ALICE, {"did": ALICE, "active": False, "status": "takendown"}),
        ("plc_document__unknown_did", NOBODY, {"message": f"DID not registered: {NOBODY}"}),
    ],
)
def test_evidence_of_an_error_is_about_the_account_that_was_asked_for(
    name: str, did: str, about: dict[str, object]
) -> None:
    assert excerpt(recorded(name), [did, CAROL]) == {did: about}


def test_evidence_of_a_did_document_names_the_server_that_was_believed() -> None:
    about = excerpt(recorded("plc_document__active"), [ALICE])[ALICE]
    assert about == {
        key: recorded_json("plc_document__active")[key] for key in ("id", "alsoKnownAs", "service")
    }


def test_evidence_of_the_list_of_a_labeler_keeps_the_rows_about_one_account() -> None:
    (row,) = recorded_json("query_labels__moderation_takedown_reversed")["labels"]
    about = excerpt(recorded("query_labels__moderation_takedown_reversed"), [ALICE, CAROL])
    assert about == {ALICE: {"labels": [{key: row[key] for key in ("src", "uri", "val", "cts", "neg")}]}}


def test_evidence_of_an_answer_that_is_no_json_is_that_there_was_one() -> None:
    answer = made(503, b"<html>", url=f"https://pds.example.com/xrpc/x?did={ALICE}")
    assert excerpt(answer, [ALICE]) == {ALICE: {}}
    assert excerpt(answer, [BOB]) == {}


def test_evidence_of_a_did_web_is_found_by_its_address() -> None:
    answer = made(200, {"id": "did:web:a.example%3A8443"}, url="https://a.example:8443/.well-known/did.json")
    assert list(excerpt(answer, ["did:web:a.example%3A8443"])) == ["did:web:a.example%3A8443"]
