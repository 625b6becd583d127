"""Labels, the keys that sign them, the log that shows these keys, and evidence of all three."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.simulator.labeler_signing import did_key, sign
from collectors.bluesky.simulator.payloads import stamp
from collectors.bluesky.wire.dag_cbor import encode
from collectors.core.collector import Exchange
from jobs.evidence.label_pack import label_pack
from storage.countries.label_evidence import LabelEvidence, StoredLabel
from storage.countries.label_record import follow_labeler, record_labels
from storage.model.core.labels import (
    KeyLog,
    LabelBatch,
    LabelChannel,
    LabeledKind,
    LabelRefusal,
    RefusedLabel,
    SignedLabel,
)
from storage.postgres.pool import Pool, transaction
from tests.support.samples.bluesky_answers import made
from tests.support.samples.readings import T0

LABELER = "did:plc:labeler22222222222222222"


SUBJECT = "did:plc:subject22222222222222222"


POST = f"at://{SUBJECT}/app.bsky.feed.post/3k5"


KEY = ec.derive_private_key(7, ec.SECP256K1())


LATER_KEY = ec.derive_private_key(8, ec.SECP256R1())


STRANGER = ec.derive_private_key(9, ec.SECP256K1())


def signed_label(
    key: ec.EllipticCurvePrivateKey = KEY, at: datetime = T0, **fields: object
) -> dict[str, object]:
    """A label that hides `SUBJECT`, with other fields where they are given; None leaves one out."""
    label = _label(at, fields)
    return {**label, "sig": sign(key, encode(label))}


def signed_content(
    key: ec.EllipticCurvePrivateKey = KEY, at: datetime = T0, **fields: object
) -> tuple[bytes, bytes]:
    """What is signed of the same label, and the signature."""
    content = encode(_label(at, fields))
    return content, sign(key, content)


def _label(at: datetime, fields: Mapping[str, object]) -> dict[str, object]:
    label = {"ver": 1, "src": LABELER, "uri": SUBJECT, "val": "!hide", "cts": stamp(at), **fields}
    return {name: value for name, value in label.items() if value is not None}


def key_log(
    *keys: tuple[datetime, ec.EllipticCurvePrivateKey | None], nullified: Sequence[int] = ()
) -> Exchange:
    """The answer of the directory: from each time on the labeler had a key, or none."""
    entries: list[Mapping[str, object]] = [
        {
            "did": LABELER,
            "operation": {
                "type": "plc_operation",
                "verificationMethods": {"atproto": did_key(STRANGER)}
                | ({} if key is None else {"atproto_label": did_key(key)}),
            },
            "nullified": n in nullified,
            "createdAt": stamp(at),
        }
        for n, (at, key) in enumerate(keys)
    ]
    return made(200, json.dumps(entries).encode())


MADE_BY = "Blockline 1.2.3"


DID_LOGS: dict[str, list[dict[str, Any]]] = json.loads(Path(__file__).with_name("did_logs.json").read_bytes())


ROTATED = DID_LOGS["rotated"]


DID: str = ROTATED[0]["did"]


KEY_LOG = KeyLog(json.dumps(ROTATED).encode(), T0)
"""Of the keys `KEY`, until March 2024, and `LATER_KEY` since."""


MADE_AT = T0.replace(year=2024, month=2, day=10)


def stored(
    label_id: int = 1,
    key: ec.EllipticCurvePrivateKey = KEY,
    *,
    negated: bool = False,
    kept: bool = True,
    cid: str | None = None,
) -> StoredLabel:
    """A label of that labeler about a post."""
    at = MADE_AT + timedelta(days=40 * (label_id - 1))
    content, signature = signed_content(
        key, at, src=DID, uri=POST, neg=negated or None, cts=at.isoformat(), cid=cid
    )
    received_at = at + timedelta(minutes=1)
    return StoredLabel(
        *(label_id, DID, "TR", POST, "!hide", cid, negated, at, None, received_at, LabelChannel.STREAM),
        *(content if kept else None, signature, did_key(key)),
    )


def pack(*labels: StoredLabel, log: KeyLog | None = KEY_LOG, synthetic: bool = False) -> dict[str, bytes]:
    """The files with the evidence of these labels."""
    logs = {} if log is None else {DID: log}
    evidence = LabelEvidence("bluesky", POST, labels, has_more=False, key_logs=logs, synthetic=synthetic)
    return label_pack(evidence, MADE_BY, T0)


LOG = KeyLog(key_log((T0 - timedelta(days=400), KEY)).body, T0)


FORGED = RefusedLabel(LABELER, LabelRefusal.FORGED, b"what was sent")


def stated(
    subject: str = SUBJECT,
    made_at: datetime = T0,
    *,
    value: str = "!hide",
    negated: bool = False,
    expires_at: datetime | None = None,
    cid: str | None = None,
) -> SignedLabel:
    kind = LabeledKind.ACCOUNT if subject.startswith("did:") else LabeledKind.POST
    ends = None if expires_at is None else expires_at.isoformat()
    content, signature = signed_content(
        uri=subject, val=value, cts=made_at.isoformat(), exp=ends, cid=cid, neg=negated or None
    )
    return SignedLabel(
        *(LABELER, subject, cid, value, negated, made_at, expires_at),
        *(content, signature, did_key(KEY), kind),
    )


async def store(
    pool: Pool,
    *labels: SignedLabel,
    seq: int | None = None,
    at: datetime = T0,
    refused: tuple[RefusedLabel, ...] = (),
) -> int:
    """Store labels that came from the stream with a number, or else from the list."""
    channel = LabelChannel.QUERY if seq is None else LabelChannel.STREAM
    async with transaction(pool) as conn:
        await follow_labeler(conn, LABELER, BLUESKY, "TR", ["!hide", "!takedown"], T0)
        return await record_labels(conn, LABELER, LabelBatch(seq, labels, refused, LOG), channel, at)
