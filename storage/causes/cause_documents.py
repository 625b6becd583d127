"""Documents that say what a cause was, each kept once as it came and found by its hash."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from storage.model.causes.causes import LONGEST_TEXT, CauseFault
from storage.orders.documents import media_type_of
from storage.orders.order_edits import LARGEST_DOCUMENT
from storage.postgres.pool import Conn, Refused


@dataclass(frozen=True, slots=True)
class CauseDocument:
    """A document that says what the cause was, to be kept as it came."""

    name: str
    media_type: str
    content: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 of the content."""
        return sha256(self.content).digest()


def given_document(name: str, content: bytes) -> CauseDocument:
    """Return a file that a user gives as the document of a cause.

    Raises CauseFault if it is empty or too large, or has no name that can be stored.
    """
    if not content:
        raise CauseFault("document is an empty file.", "document")
    if len(content) > LARGEST_DOCUMENT:
        raise CauseFault(f"document is larger than {LARGEST_DOCUMENT // 1024**2} MB.", "document")
    if not name.strip() or len(name) > LONGEST_TEXT or not name.isprintable():
        raise CauseFault("document has a file name that cannot be stored. Rename it.", "document")
    return CauseDocument(name.strip(), media_type_of(name), content)


async def keep_document(conn: Conn, document: CauseDocument, actor: str, at: datetime) -> bytes:
    """Store a document, unless it is stored already, and return its hash."""
    await conn.execute(
        """
        insert into cause_document (sha256, name, media_type, content, added_at, added_by)
        values ($1, $2, $3, $4, $5, $6) on conflict (sha256) do nothing
        """,
        document.digest,
        document.name,
        document.media_type,
        document.content,
        at,
        actor,
    )
    return document.digest


async def document_of(conn: Conn, digest: bytes) -> CauseDocument | None:
    """Return a document by its SHA-256; None if it is not stored, as after a purge.

    Raises Refused if the stored content no longer matches.
    """
    row = await conn.fetchrow("select * from cause_document where sha256 = $1", digest)
    if row is None:
        return None
    found = CauseDocument(row["name"], row["media_type"], row["content"])
    if found.digest != digest:
        raise Refused("The stored content of this document was changed: it no longer matches its hash.")
    return found


async def document_names(conn: Conn, digests: Collection[bytes]) -> dict[bytes, str]:
    """Return the names of those of these documents that are stored, by hash. A purged one is left out."""
    rows = await conn.fetch(
        "select sha256, name from cause_document where sha256 = any($1::bytea[])", list(digests)
    )
    return {r["sha256"]: r["name"] for r in rows}
