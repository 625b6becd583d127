"""Evidence: the parts of raw answers that show a change, compressed, under the hash of what they hold."""

import hashlib
import zlib
from collections.abc import Sequence

from storage.db import Conn
from storage.errors import StorageError


async def store(conn: Conn, contents: Sequence[bytes | None]) -> list[bytes | None]:
    """Keep each content once. Returns its SHA-256 (of the uncompressed content), None where there is none.

    What was purged stays purged, also when the same content comes again.
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
    """The content under a hash; None when it was purged or never stored.

    Raises StorageError when what is stored is not what the hash says: it proves nothing then.
    """
    row = await conn.fetchrow("select packed, compressed from evidence where sha256 = $1", sha256)
    if row is None or row["packed"] is None:
        return None
    try:
        content = zlib.decompress(row["packed"]) if row["compressed"] else bytes(row["packed"])
    except zlib.error:
        content = None
    if content is None or hashlib.sha256(content).digest() != sha256:
        raise StorageError(f"The evidence {sha256.hex()} is damaged: it does not fit its hash.")
    return content


def _packed(content: bytes) -> tuple[bytes, bool]:
    """The shorter of the content and its compressed form, and whether it is the latter."""
    small = zlib.compress(content, 9)
    return (small, True) if len(small) < len(content) else (content, False)
