"""Documents attached to orders, each with its hash."""

import mimetypes
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from storage.model.core.orders import OrderDocument
from storage.model.text.states import clean
from storage.postgres.pool import Conn, Refused
from storage.postgres.recording_order import moment


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A file to attach, with its source."""

    name: str
    media_type: str
    source: str
    content: bytes


def media_type_of(name: str) -> str:
    """Return the media type of a file by its name; that of unknown bytes if the name says nothing."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


async def attach(conn: Conn, order_id: int, document: NewDocument, by: str, now: datetime) -> str | None:
    """Store a file, and return its hash. None means that it was already attached; nothing is stored."""
    now = await moment(conn, lambda: now)
    return await conn.fetchval(
        """
        insert into order_document (
            order_id, name, media_type, source, sha256, content, added_at, added_by
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (order_id, sha256) do nothing returning encode(sha256, 'hex')
        """,
        order_id,
        document.name,
        document.media_type,
        document.source,
        sha256(document.content).digest(),
        document.content,
        now,
        by,
    )


async def content_of(conn: Conn, order_id: int, called: str) -> tuple[OrderDocument, bytes]:
    """Return a document and its content, by its name, its hash or the start of its hash.

    Raises Refused if there is none, if there is more than one, or if the content no longer matches the hash.
    """
    known = await documents_of(conn, order_id)
    found = [d for d in known if d.sha256 == called.lower()] or [
        d for d in known if called == d.name or (len(called) >= 8 and d.sha256.startswith(called.lower()))
    ]
    if not found:
        raise Refused(f"No document {clean(called)!r} is attached; `blockline orders documents` lists them.")
    if len(found) > 1:
        hashes = ", ".join(d.sha256[:12] for d in found)
        raise Refused(f"More than one document is called {clean(called)!r}; write its hash: {hashes}.")
    (one,) = found
    content: bytes = await conn.fetchval(
        "select content from order_document where order_id = $1 and sha256 = decode($2, 'hex')",
        order_id,
        one.sha256,
    )
    if sha256(content).hexdigest() != one.sha256:
        raise Refused(
            f"The stored content of {clean(one.name)!r} was changed: it no longer matches its hash."
        )
    return one, content


async def documents_of(conn: Conn, order_id: int) -> list[OrderDocument]:
    """Return the documents of an order without their content, in the order in which they were attached."""
    rows = await conn.fetch(
        """
        select name, media_type, source, encode(sha256, 'hex') as sha256, octet_length(content) as size,
            added_at, added_by
        from order_document where order_id = $1 order by order_document_id
        """,
        order_id,
    )
    return [
        OrderDocument(
            name=r["name"],
            media_type=r["media_type"],
            source=r["source"],
            sha256=r["sha256"],
            size=r["size"],
            added_at=r["added_at"],
            added_by=r["added_by"],
        )
        for r in rows
    ]
