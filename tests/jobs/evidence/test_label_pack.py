"""Evidence of labels proves what labelers signed, and says what it does not prove."""

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest

from jobs.evidence.label_pack import LABELS, LabelPackList, PackedLabel, verify_labels
from jobs.evidence.pack import README, read_exact, written
from jobs.evidence.pack_proof import ProofResult
from storage.countries.label_evidence import StoredLabel
from storage.model.core.labels import KeyLog
from tests.support.samples.label_signing import (
    DID,
    KEY,
    KEY_LOG,
    MADE_AT,
    MADE_BY,
    POST,
    ROTATED,
    STRANGER,
    pack,
    signed_content,
    stored,
)
from tests.support.samples.readings import T0

Alter = Callable[[dict[str, bytes]], dict[str, bytes]]


def said(files: dict[str, bytes], verdict: ProofResult, made_by: str = MADE_BY) -> list[str]:
    return [check.said for check in verify_labels(files, made_by) if check.verdict is verdict]


@pytest.mark.parametrize("synthetic", [False, True])
def test_a_log_that_does_not_prove_itself_leaves_open_whose_keys_they_are(synthetic: bool) -> None:
    files = pack(stored(), log=KeyLog(json.dumps([ROTATED[1]]).encode(), T0), synthetic=synthetic)
    log, label = said(files, ProofResult.OPEN)
    assert log.startswith(
        f"Only the file itself says that the keys in keys/1.json are those of {DID}: its first"
    )
    assert label.endswith("is not proven: no log shows whose key signed it.")
    assert ("Synthetic scenario" in said(files, ProofResult.NOTE)[0]) is synthetic


@pytest.mark.parametrize(
    ("labels", "log"),
    [
        pytest.param(
            [stored(kept=False)], KEY_LOG, id="received by a version that did not keep what was signed"
        ),
        pytest.param([stored()], None, id="no log was kept"),
        pytest.param([stored()], KeyLog(b" " * 2**20 + b"[]", T0), id="a log that is too large"),
        pytest.param([stored(key=STRANGER)], KEY_LOG, id="a key that is not in the log, or no longer"),
        pytest.param([stored(2, KEY)], KEY_LOG, id="a key that was given up before"),
    ],
)
def test_a_label_that_cannot_be_proven_is_listed_and_left_open(
    labels: list[StoredLabel], log: KeyLog | None
) -> None:
    files = pack(*labels, log=log)
    assert not said(files, ProofResult.FAILED)
    (left,) = said(files, ProofResult.OPEN)
    assert "is not proven: the file does not contain what proves it" in left
    assert "not proven" in files[README].decode()


def replaced(name: str, content: bytes) -> Alter:
    """Put another content into a file, and its hash into the list."""

    def change(files: dict[str, bytes]) -> dict[str, bytes]:
        hashed = sha256(files[name]).hexdigest().encode(), sha256(content).hexdigest().encode()
        return {**files, LABELS: files[LABELS].replace(*hashed), name: content}

    return change


def with_file(name: str, content: bytes) -> Alter:
    return lambda files: {**files, name: content}


def without(name: str) -> Alter:
    return lambda files: {one: content for one, content in files.items() if one != name}


def edited(old: str, new: str) -> Alter:
    return lambda files: {**files, LABELS: files[LABELS].replace(old.encode(), new.encode())}


def with_labels(labels: tuple[PackedLabel, ...]) -> Alter:
    """Put other labels into the list."""

    def change(files: dict[str, bytes]) -> dict[str, bytes]:
        listed = read_exact(LabelPackList, files, LABELS)
        return {**files, LABELS: written(replace(listed, labels=labels))}

    return change


def twice(files: dict[str, bytes]) -> dict[str, bytes]:
    """List what was signed once as two labels."""
    listed = read_exact(LabelPackList, files, LABELS)
    (one,) = listed.labels
    more = {f"labels/2.{ending}": files[f"labels/1.{ending}"] for ending in ("cbor", "sig")}
    hashes = {**listed.files, **{name: sha256(content).hexdigest() for name, content in more.items()}}
    both = replace(listed, labels=(one, replace(one, label_id=2, file="labels/2")), files=hashes)
    return {**files, **more, LABELS: written(both)}


OTHER = signed_content(KEY, MADE_AT, src=DID, uri=POST, val="!takedown", cts=MADE_AT.isoformat())


@pytest.mark.parametrize(
    ("altered", "fault"),
    [
        pytest.param(with_file("more.txt", b""), "'more.txt' does not belong in the file.", id="one more"),
        pytest.param(without("labels/1.sig"), "labels/1.sig is missing.", id="one less"),
        pytest.param(with_file("labels/1.cbor", OTHER[0]), "labels/1.cbor has another SHA-256", id="other"),
        pytest.param(replaced("labels/1.cbor", OTHER[0]), "No key that did:plc", id="what was not signed"),
        pytest.param(replaced("labels/1.cbor", b"\xff"), "What was signed cannot be read.", id="no CBOR"),
        pytest.param(replaced("labels/1.sig", b"\0" * 64), "No key that did:plc", id="another signature"),
        pytest.param(replaced("keys/1.json", b" " * 2**20 + b"1"), "is larger than 1 MB", id="a huge log"),
        pytest.param(replaced(README, b"It proves all."), f"{README} says something else", id="other words"),
        pytest.param(edited('"!hide"', '"!warn"'), "is not what labels.json says", id="another value"),
        pytest.param(edited('"withdrawal": false', '"withdrawal": true'), "is not what", id="withdrawn"),
        pytest.param(edited("2024-02-10T00:00", "2024-02-09T00:00"), "is not what", id="another time"),
        pytest.param(edited('"cid": null', '"cid": "bafy"'), "is not what", id="another version"),
        pytest.param(edited(POST, POST + "x"), "is not what labels.json says", id="another subject"),
        pytest.param(edited('"TR"', '"TR\\n2. more"'), "an id that is none", id="a line more by the country"),
        pytest.param(edited(POST, POST + "\\n"), "an id that is none", id="a line more by the subject"),
        pytest.param(edited('"label_id": 1', '"label_id": -5'), "an id that is none", id="no number"),
        pytest.param(twice, "lists a label twice", id="a label twice"),
        pytest.param(with_labels(()), "lists 0 labels", id="no label"),
        pytest.param(edited('"format": 1', '"format": 9'), "has format 9", id="a later format"),
        pytest.param(
            edited('"format": 1', '"format":  1'), "was not written by Blockline", id="another form"
        ),
        pytest.param(edited('"file": "labels/1"', '"file": "labels/2"'), "are not those", id="another name"),
        pytest.param(
            edited('"bluesky"', '"other"'), "no labels of the platform 'other'", id="other platform"
        ),
        pytest.param(edited('"bluesky"', '"x"'), "no labels of the platform 'x'", id="one without labelers"),
        pytest.param(edited('"format"', '"form"'), "does not have the form", id="no list"),
    ],
)
def test_a_file_that_was_altered_does_not_verify(altered: Alter, fault: str) -> None:
    wrong = said(altered(pack(stored())), ProofResult.FAILED)
    assert any(fault in one for one in wrong), wrong


def test_the_words_of_another_version_are_left_open() -> None:
    files = replaced(README, b"other words")(pack(stored()))
    assert "its words are not checked" in said(files, ProofResult.OPEN, "Blockline 9.9.9")[0]
