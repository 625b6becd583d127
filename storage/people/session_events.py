"""Telling every web process that a session has ended, so that its open websockets are closed."""

from storage.postgres.pool import Conn

CHANNEL = "blockline"
"""The channel of all news: its payload is the id of an event, or this."""
_ENDED = "ended "


async def announce_ended(conn: Conn, session: str) -> None:
    """Have the websockets of `session` closed when this transaction commits.

    `session` is what the login keeps under `dashboard.asgi.websockets.SESSION`; as everybody on the
    database may hear it, it must not be what lets its owner in.
    """
    await conn.execute("select pg_notify($1, $2 || $3)", CHANNEL, _ENDED, session)


def ended_session(payload: str) -> str | None:
    """The session that a payload of the channel is about; None when it is about an event."""
    return payload.removeprefix(_ENDED) if payload.startswith(_ENDED) else None
