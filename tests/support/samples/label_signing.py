"""Keys, labels signed by them, and the log that shows the keys of a labeler."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from collectors.bluesky.simulator.labeler_signing import did_key, sign
from collectors.bluesky.simulator.payloads import stamp
from collectors.bluesky.wire.dag_cbor import encode
from collectors.core.collector import Exchange
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
