"""Recording the labels of labelers, and how far each labeler was read.

Labels and position are stored in one transaction: a process that is killed stores both or neither. What is
received twice is stored once, because the key of a label is what it says.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from storage.model.core.accounts import Platform
from storage.model.core.labels import (
    KeyLog,
    LabelBatch,
    LabelChannel,
    LabelGap,
    RefusedLabel,
    SignedLabel,
)
from storage.postgres.pool import Conn

KEPT_REFUSED: Final = 1_000
"""Refused labels that are kept of each labeler: the newest."""


@dataclass(frozen=True, slots=True)
class LabelerPosition:
    """How far a labeler was read. `gap_at` is set if labels of its stream may be missing."""

    seq: int
    listed_at: datetime | None
    gap_at: datetime | None


async def follow_labeler(
    conn: Conn, labeler: str, platform: Platform, country: str, withholding: Collection[str], now: datetime
) -> LabelerPosition:
    """The position from which to read a labeler; 0 if it was never read."""
    row = await conn.fetchrow(
        """
        insert into labeler (labeler, platform, country, withholding, began_at) values ($1, $2, $3, $4, $5)
        on conflict (labeler) do update set platform = excluded.platform, country = excluded.country,
            withholding = excluded.withholding, ended_at = null
        returning seq, listed_at, gap_at
        """,
        labeler,
        platform.value,
        country,
        sorted(withholding),
        now,
    )
    if row is None:
        raise RuntimeError("an insert that returns its row returned none")
    return LabelerPosition(row["seq"], row["listed_at"], row["gap_at"])


async def end_labelers(conn: Conn, platform: Platform, followed: Collection[str], now: datetime) -> None:
    """Store that the labels of all other labelers of a platform than those `followed` are not collected."""
    await conn.execute(
        """
        update labeler set ended_at = $3
        where platform = $1 and labeler <> all($2::text[]) and ended_at is null
        """,
        platform.value,
        list(followed),
        now,
    )


async def record_labels(
    conn: Conn, labeler: str, batch: LabelBatch, channel: LabelChannel, now: datetime
) -> int:
    """Store labels received at `now`, and the position after them; returns how many are new."""
    labels = batch.labels
    new: list[str] = await conn.fetchval(
        """
        with stored as (
            insert into label (
                labeler, seq, received_at, channel,
                subject, value, made_at, is_negated, expires_at, cid, content, signature, signed_by, kind
            )
            select $1, $2, $3, $4,
                subject, value, made_at, is_negated, expires_at, cid, content, signature, signed_by, kind
            from unnest(
                $5::text[], $6::text[], $7::timestamptz[], $8::bool[], $9::timestamptz[], $10::text[],
                $11::bytea[], $12::bytea[], $13::text[], $14::text[]
            ) as t (subject, value, made_at, is_negated, expires_at, cid, content, signature, signed_by, kind)
            on conflict do nothing returning subject
        )
        select coalesce(array_agg(subject), '{}') from stored
        """,
        labeler,
        batch.seq,
        now,
        channel.value,
        *_columns(labels),
        [one.kind.value for one in labels],
    )
    if len(new) < len(labels):
        await _complete(conn, labeler, labels)
    await _keep_log(conn, labeler, batch.key_log)
    await _relate(conn, labeler, new)
    if batch.refused:
        await _keep_apart(conn, labeler, batch.refused, channel, now)
    if batch.seq is not None:
        # A process that lost the lead may be behind: the position moves forward only.
        await conn.execute(
            """
            update labeler set seq = greatest(seq, $2), heard_at = greatest(heard_at, $3),
                lost_at = null, lost_why = ''
            where labeler = $1
            """,
            labeler,
            batch.seq,
            now,
        )
    return len(new)


async def _complete(conn: Conn, labeler: str, labels: Sequence[SignedLabel]) -> None:
    """Add what was signed to labels of an earlier version, which did not keep it."""
    await conn.execute(
        """
        update label l set content = t.content, signature = t.signature, signed_by = t.signed_by
        from unnest(
            $2::text[], $3::text[], $4::timestamptz[], $5::bool[], $6::timestamptz[], $7::text[],
            $8::bytea[], $9::bytea[], $10::text[]
        ) as t (subject, value, made_at, is_negated, expires_at, cid, content, signature, signed_by)
        where l.labeler = $1 and l.content is null
            and (l.subject, l.value, l.made_at, l.is_negated)
                = (t.subject, t.value, t.made_at, t.is_negated)
            and (l.expires_at, l.cid) is not distinct from (t.expires_at, t.cid)
        """,
        labeler,
        *_columns(labels),
    )


def _columns(labels: Sequence[SignedLabel]) -> list[list[object]]:
    """What a label says, and then what was signed: a list for each column."""
    return [
        [one.subject for one in labels],
        [one.value for one in labels],
        [one.made_at for one in labels],
        [one.is_negated for one in labels],
        [one.expires_at for one in labels],
        [one.cid for one in labels],
        [one.content for one in labels],
        [one.signature for one in labels],
        [one.signed_by for one in labels],
    ]


async def _keep_log(conn: Conn, labeler: str, key_log: KeyLog) -> None:
    """Store the log of a labeler's keys if it is a newer one that says something else."""
    await conn.execute(
        """
        insert into labeler_key_log (labeler, content, read_at) values ($1, $2, $3)
        on conflict (labeler) do update set content = excluded.content, read_at = excluded.read_at
        where labeler_key_log.content <> excluded.content and labeler_key_log.read_at < excluded.read_at
        """,
        labeler,
        key_log.content,
        key_log.read_at,
    )


async def _relate(conn: Conn, labeler: str, subjects: Collection[str]) -> None:
    """Store what each label of these subjects began, ended and replaced. Labels arrive in any order, so one
    that is new may change what others meant.
    """
    if not subjects:
        return
    await conn.execute(
        """
        with related as (
            select label_id, lead(made_at) over w as replaced_at,
                not is_negated and (
                    lag(is_negated) over w is distinct from false
                    or (lag(expires_at) over w <= made_at) is true
                ) as is_added,
                is_negated and lag(is_negated) over w is distinct from true
                    and (lag(expires_at) over w <= made_at) is not true as is_lifted
            from label where labeler = $1 and subject = any($2::text[])
            window w as (partition by subject, value order by made_at, label_id)
        )
        update label set replaced_at = r.replaced_at, is_added = r.is_added, is_lifted = r.is_lifted
        from related r
        where label.label_id = r.label_id
            and (label.replaced_at, label.is_added, label.is_lifted)
                is distinct from (r.replaced_at, r.is_added, r.is_lifted)
        """,
        labeler,
        list(set(subjects)),
    )


async def _keep_apart(
    conn: Conn, labeler: str, refused: Sequence[RefusedLabel], channel: LabelChannel, now: datetime
) -> None:
    """Store refused labels. Of each labeler the newest `KEPT_REFUSED` are kept and the others counted, so
    that they cannot fill the disk.
    """
    kept = refused[-KEPT_REFUSED:]
    await conn.execute(
        """
        insert into refused_label (labeler, digest, reason, content, received_at, channel)
        select $1, digest, reason, content, $2, $3
        from unnest($4::bytea[], $5::text[], $6::bytea[]) as t (digest, reason, content)
        on conflict do nothing
        """,
        labeler,
        now,
        channel.value,
        [sha256(one.content).digest() for one in kept],
        [one.reason.value for one in kept],
        [one.content for one in kept],
    )
    await conn.execute(
        """
        with dropped as (
            delete from refused_label
            where (labeler, digest, reason) in (
                select labeler, digest, reason from refused_label where labeler = $1
                order by received_at desc, digest, reason offset $2
            )
            returning 1
        )
        update labeler set refused_dropped = refused_dropped + d.n + $3
        from (select count(*) as n from dropped) d
        where labeler = $1 and d.n + $3 > 0
        """,
        labeler,
        KEPT_REFUSED,
        len(refused) - len(kept),
    )


async def note_heard(conn: Conn, labeler: str, now: datetime) -> None:
    """Store that the stream of a labeler is connected, and has been for a while."""
    await conn.execute(
        """
        update labeler set heard_at = greatest(heard_at, $2), lost_at = null, lost_why = '' where labeler = $1
        """,
        labeler,
        now,
    )


async def note_lost(conn: Conn, labeler: str, why: str, now: datetime) -> None:
    """Store that the stream of a labeler is not connected. Since when is kept while that lasts."""
    await conn.execute(
        "update labeler set lost_at = coalesce(lost_at, $2), lost_why = $3 where labeler = $1",
        labeler,
        now,
        why,
    )


async def note_gap(conn: Conn, labeler: str, gap: LabelGap, now: datetime) -> None:
    """Store that labels of a stream may be missing. After a number that the labeler has not reached, its
    stream is read from the beginning.
    """
    await conn.execute(
        """
        update labeler set gap = $2, gap_at = $3, seq = case when $4 then 0 else seq end where labeler = $1
        """,
        labeler,
        gap.value,
        now,
        gap is LabelGap.FUTURE_CURSOR,
    )


async def newest_label(conn: Conn) -> int:
    """The number of the label that was stored last; 0 if there is none."""
    return await conn.fetchval("select coalesce(max(label_id), 0) from label")


async def held_labels(conn: Conn, labeler: str, upto: int, now: datetime) -> list[tuple[str, str]]:
    """Subject and value of the labels of a labeler up to number `upto` that it did not withdraw, replace
    or let expire.
    """
    rows = await conn.fetch(
        """
        select subject, value from label
        where labeler = $1 and label_id <= $2 and replaced_at is null and not is_negated
            and (expires_at is null or expires_at > $3)
        """,
        labeler,
        upto,
        now,
    )
    return [(row["subject"], row["value"]) for row in rows]


async def note_listed(conn: Conn, labeler: str, began_at: datetime) -> None:
    """Store that the list of a labeler was read whole; the reading began at `began_at`. That fills the gaps
    that were noticed before it began.
    """
    await conn.execute(
        """
        update labeler set listed_at = greatest(listed_at, $2), unlisted_at = null, unlisted_why = '',
            gap = case when gap_at <= $2 then null else gap end,
            gap_at = case when gap_at <= $2 then null else gap_at end
        where labeler = $1
        """,
        labeler,
        began_at,
    )


async def note_unlisted(conn: Conn, labeler: str, why: str, now: datetime) -> None:
    """Store that the list of a labeler could not be read whole."""
    await conn.execute(
        "update labeler set unlisted_at = $2, unlisted_why = $3 where labeler = $1", labeler, now, why
    )


async def forget_labels(conn: Conn, platform: Platform, native_id: str) -> None:
    """Delete the labels of an account and of its records, or of a post."""
    await conn.execute(
        """
        delete from label l using labeler r
        where r.labeler = l.labeler and r.platform = $1 and strpos(l.subject, $2) > 0
        """,
        platform.value,
        native_id,
    )
    await conn.execute(
        """
        delete from refused_label l using labeler r
        where r.labeler = l.labeler and r.platform = $1 and position(convert_to($2, 'UTF8') in l.content) > 0
        """,
        platform.value,
        native_id,
    )
