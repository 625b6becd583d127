"""What labelers signed about an account or a record, to be verified without this database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asyncpg import Record

from storage.model.core.labels import KeyLog, LabelChannel
from storage.postgres.installation import is_synthetic
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """A label as it is stored. See the columns of the table `label`."""

    label_id: int
    labeler: str
    country: str
    subject: str
    value: str
    cid: str | None
    is_negated: bool
    made_at: datetime
    expires_at: datetime | None
    received_at: datetime
    channel: LabelChannel
    content: bytes | None
    """Null: see the table."""
    signature: bytes
    signed_by: str


@dataclass(frozen=True, slots=True)
class LabelEvidence:
    """All labels about a subject, oldest first by the labeler's time, and the logs of keys by labeler."""

    platform: str
    subject: str
    labels: tuple[StoredLabel, ...]
    has_more: bool
    """Whether there are older labels about it, which are left out."""
    key_logs: dict[str, KeyLog]
    synthetic: bool
    """Whether the installation plays a simulation."""


async def subject_of_label(conn: Conn, label_id: int) -> str | None:
    """What a label is about; None if there is no such label."""
    return await conn.fetchval("select subject from label where label_id = $1", label_id)


async def label_evidence(conn: Conn, subject: str, most: int) -> LabelEvidence:
    """The newest labels about `subject` from the labelers of countries, `most` at most."""
    rows = await conn.fetch(
        """
        select r.platform, l.label_id, l.labeler, r.country, l.subject, l.value, l.cid, l.is_negated,
            l.made_at, l.expires_at, l.received_at, l.channel, l.content, l.signature, l.signed_by
        from label l join labeler r using (labeler)
        where l.subject = $1 order by l.made_at desc, l.label_id desc limit $2
        """,
        subject,
        most + 1,
    )
    logs = await conn.fetch(
        "select labeler, content, read_at from labeler_key_log where labeler = any($1::text[])",
        list({row["labeler"] for row in rows}),
    )
    return LabelEvidence(
        rows[0]["platform"] if rows else "",
        subject,
        tuple(_label(row) for row in reversed(rows[:most])),
        len(rows) > most,
        {row["labeler"]: KeyLog(row["content"], row["read_at"]) for row in logs},
        await is_synthetic(conn),
    )


def _label(row: Record) -> StoredLabel:
    fields = {name: row[name] for name in StoredLabel.__dataclass_fields__}
    return StoredLabel(**dict[str, Any](fields, channel=LabelChannel(row["channel"])))
