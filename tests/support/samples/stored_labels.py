"""Labels as a labeler of a country states them, and stored."""

from datetime import datetime, timedelta

from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.simulator.labeler_signing import did_key
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
from tests.support.samples.label_signing import KEY, LABELER, SUBJECT, key_log, signed_content
from tests.support.samples.readings import T0

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
