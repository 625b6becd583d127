"""What workers were answered, from the moment it arrived until the process that plans has recorded it."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from storage.model.core.accounts import Platform
from storage.model.core.platform_request import Question
from storage.model.core.shards import WHOLE, Shard
from storage.postgres.pool import Conn

ANSWERED: Final = "blockline_answered"
"""The channel on which each new answer is announced, by its source."""


@dataclass(frozen=True, slots=True)
class WorkerAnswer:
    """The outcome of one request. `answer` is packed by `jobs.dispatch.answer_codec`."""

    question: Question
    worker_id: UUID
    asked_at: datetime
    at: datetime
    answer: bytes


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as it lies there. Whoever wrote it may have run another version."""

    key: str
    asked: str
    """The question; see `unpacked`."""
    worker_id: UUID
    asked_at: datetime
    at: datetime
    answer: bytes


async def put(conn: Conn, answered: WorkerAnswer) -> None:
    """Hand an answer over. That of a question which was answered before is let go."""
    await conn.execute(
        """
        with put as (
            insert into answered (question, source, worker_id, asked, asked_at, at, answer)
            values ($1, $2, $3, $4, $5, $6, $7) on conflict (question) do nothing returning source
        )
        select pg_notify($8, source) from put
        """,
        answered.question.key,
        answered.question.source,
        answered.worker_id,
        packed(answered.question).decode(),
        answered.asked_at,
        answered.at,
        answered.answer,
        ANSWERED,
    )


async def handed_over(
    conn: Conn, source: str, but: Collection[str], at_most: int, shard: Shard = WHOLE
) -> list[StoredAnswer]:
    """Answers that wait, the oldest first, without those of the questions `but`.

    An answer belongs to the shard of the first account of its roster, and to the first shard if there is no
    such roster.
    """
    rows = await conn.fetch(
        """
        select question, asked, worker_id, asked_at, at, answer from answered
        where source = $1 and question <> all($2::text[]) and (
            $4 = 1 or $5 = coalesce(
                (
                    select shard_of(account_ids[1], $4) from roster
                    where roster_id = (asked::jsonb ->> 'roster')::int
                ),
                0
            )
        )
        order by at limit $3
        """,
        source,
        list(but),
        at_most,
        shard.count,
        shard.index,
    )
    return [
        StoredAnswer(r["question"], r["asked"], r["worker_id"], r["asked_at"], r["at"], r["answer"])
        for r in rows
    ]


async def keys(conn: Conn, source: str) -> list[str]:
    """The questions whose answers wait."""
    rows = await conn.fetch("select question from answered where source = $1", source)
    return [r["question"] for r in rows]


async def drop(conn: Conn, keys: Sequence[str]) -> None:
    """Let go of answers that are recorded."""
    await conn.execute("delete from answered where question = any($1::text[])", keys)


async def forget_untaken(conn: Conn, for_so_long: timedelta) -> None:
    """Let go of answers that nobody took for so long: their source is planned by nobody."""
    await conn.execute("delete from answered where at < clock_timestamp() - $1::interval", for_so_long)


def packed(question: Question) -> bytes:
    """A question as the payload of a job."""
    return json.dumps(
        {
            "platform": question.platform.value,
            "vantage": question.vantage,
            "place": question.place,
            "roster": question.roster_id,
            "slot": question.slot.isoformat(),
            "attempt": question.attempt,
            "ids": question.native_ids,
            "urgent": question.urgent,
            "base_url": question.base_url,
            "withheld_in": {i: sorted(countries) for i, countries in question.withheld_in.items()},
        }
    ).encode()


def unpacked(payload: str | bytes) -> Question:
    """The question of a payload. Raises KeyError or ValueError for one of another version."""
    asked = json.loads(payload)
    return Question(
        Platform(asked["platform"]),
        asked["vantage"],
        asked["place"],
        asked["roster"],
        datetime.fromisoformat(asked["slot"]),
        asked["attempt"],
        tuple(asked["ids"]),
        asked["urgent"],
        asked.get("base_url"),
        {i: frozenset(countries) for i, countries in asked.get("withheld_in", {}).items()},
    )
