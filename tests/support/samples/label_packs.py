"""Labels of a labeler whose log of keys the reference library of its method signed, and evidence of them."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from collectors.bluesky.simulator.labeler_signing import did_key
from jobs.evidence.label_pack import label_pack
from storage.countries.label_evidence import LabelEvidence, StoredLabel
from storage.model.core.labels import KeyLog, LabelChannel
from tests.support.samples.label_signing import KEY, POST, signed_content
from tests.support.samples.readings import T0

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
