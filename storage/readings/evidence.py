"""Evidence: the parts of raw answers that show a change, compressed and stored under their hash."""

import hashlib
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.postgres.errors import StorageError
from storage.postgres.pool import Conn


async def store(conn: Conn, contents: Sequence[bytes | None]) -> list[bytes | None]:
    """Store each content once. Return the SHA-256 of each content before compression; None for None.

    Content that was purged is not stored again.
    """
    hashes = [None if c is None else hashlib.sha256(c).digest() for c in contents]
    by_hash = {h: c for h, c in zip(hashes, contents, strict=True) if h is not None and c is not None}
    packed = {h: _packed(c) for h, c in by_hash.items()}
    await conn.execute(
        """
        insert into evidence (sha256, packed, compressed)
        select * from unnest($1::bytea[], $2::bytea[], $3::boolean[])
        on conflict (sha256) do nothing
        """,
        list(packed),
        [content for content, _ in packed.values()],
        [compressed for _, compressed in packed.values()],
    )
    return hashes


async def load(conn: Conn, sha256: bytes) -> bytes | None:
    """The content with this hash; None if it was purged or never stored. Raises StorageError if the stored
    content does not match the hash.
    """
    row = await conn.fetchrow("select packed, compressed from evidence where sha256 = $1", sha256)
    if row is None or row["packed"] is None:
        return None
    content = _unpacked(row["packed"], sha256, compressed=row["compressed"])
    if content is None:
        raise StorageError(f"The evidence {sha256.hex()} is damaged: it does not match its hash.")
    return content


async def load_sound(conn: Conn, hashes: Collection[bytes]) -> dict[bytes, bytes]:
    """The contents with these hashes, without those that were purged, never stored, or do not match."""
    rows = await conn.fetch(
        "select sha256, packed, compressed from evidence where sha256 = any($1) and packed is not null",
        list(hashes),
    )
    found = ((r["sha256"], _unpacked(r["packed"], r["sha256"], compressed=r["compressed"])) for r in rows)
    return {sha256: content for sha256, content in found if content is not None}


def _unpacked(packed: bytes, sha256: bytes, *, compressed: bool) -> bytes | None:
    """The content that was stored; None if it is damaged."""
    try:
        content = zlib.decompress(packed) if compressed else bytes(packed)
    except zlib.error:
        return None
    return content if hashlib.sha256(content).digest() == sha256 else None


class EvidenceSide(StrEnum):
    """The readings on the two sides of a change: OLD shows the old state, NEW the new state."""

    OLD = "old"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class ReadingEvidence:
    """The evidence of a change from one of its two readings."""

    change_id: int
    side: EvidenceSide
    at: datetime
    """When the reading was made."""
    sha256: bytes
    is_there: bool
    """False if the content was purged and only its hash is left."""


async def evidence_of(conn: Conn, account_id: int) -> list[ReadingEvidence]:
    """The evidence of the readings around the changes of an account, oldest first."""
    rows = await conn.fetch(
        """
        select c.change_id, side.name, side.at, side.sha256, e.packed is not null as is_there
        from change c
        cross join lateral (
            values ('old', c.last_seen_old, c.old_evidence), ('new', c.first_seen_new, c.new_evidence)
        ) side (name, at, sha256)
        left join evidence e on e.sha256 = side.sha256
        where c.account_id = $1 and side.sha256 is not null and side.at is not null
        order by side.at, c.change_id
        """,
        account_id,
    )
    return [
        ReadingEvidence(r["change_id"], EvidenceSide(r["name"]), r["at"], r["sha256"], r["is_there"])
        for r in rows
    ]


def _packed(content: bytes) -> tuple[bytes, bool]:
    """Return the content or its compressed form, whichever is shorter. The second value is True for the
    compressed form.
    """
    small = zlib.compress(content, 9)
    return (small, True) if len(small) < len(content) else (content, False)
