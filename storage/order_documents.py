"""Documents attached to orders, each with its hash."""

from storage.db import Conn
from storage.model.orders import OrderDocument


async def documents_of(conn: Conn, order_id: int) -> list[OrderDocument]:
    """The documents of an order without their content, in the order in which they were attached."""
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
