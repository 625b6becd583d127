"""What is kept of the answers of Bluesky: what bears on a status, and nothing personal."""

from collectors.bluesky.wire.evidence import excerpt
from tests.support.samples.bluesky_answers import (
    ALICE,
    CAROL,
    made,
    recorded,
    recorded_json,
)


def test_evidence_of_a_did_document_names_the_server_that_was_believed() -> None:
    about = excerpt(recorded("plc_document__active"), [ALICE])[ALICE]
    assert about == {
        key: recorded_json("plc_document__active")[key] for key in ("id", "alsoKnownAs", "service")
    }


def test_evidence_of_the_list_of_a_labeler_keeps_the_rows_about_one_account() -> None:
    (row,) = recorded_json("query_labels__moderation_takedown_reversed")["labels"]
    about = excerpt(recorded("query_labels__moderation_takedown_reversed"), [ALICE, CAROL])
    assert about == {ALICE: {"labels": [{key: row[key] for key in ("src", "uri", "val", "cts", "neg")}]}}


def test_evidence_of_a_did_web_is_found_by_its_address() -> None:
    answer = made(200, {"id": "did:web:a.example%3A8443"}, url="https://a.example:8443/.well-known/did.json")
    assert list(excerpt(answer, ["did:web:a.example%3A8443"])) == ["did:web:a.example%3A8443"]
