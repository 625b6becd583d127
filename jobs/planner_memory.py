"""What the planner learned outlives the process: it is kept every few minutes, and taken up at the start."""

from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from jobs.adaptive import AdaptiveTurns
from jobs.expect import Learned
from jobs.paid import Paid
from storage import planned
from storage.db import Conn, Pool, transaction
from storage.model.accounts import Platform

_EVERY = timedelta(minutes=5)
_LEARNED = TypeAdapter(Learned)


class PlannerMemory:
    def __init__(
        self, pool: Pool, platform: Platform, turns: AdaptiveTurns, paid: Paid | None = None
    ) -> None:
        self._pool = pool
        self._platform = platform
        self._turns = turns
        self._paid = paid
        self._kept_at: datetime | None = None

    async def load(self, conn: Conn) -> None:
        """Give the planner what is on record. What cannot be read any more is learned again."""
        learned: dict[str, Learned] = {}
        on_record, saved_at = await planned.load_learned(conn, self._platform)
        for place, one in on_record.items():
            with suppress(ValidationError):
                told = _LEARNED.validate_python(one)
                if told.is_of(self._turns.prior):
                    learned[place] = told
        changed_at = await planned.last_changes(conn, self._platform)
        days = None if self._paid is None else self._paid.days
        promises = await planned.promises(conn)
        by_another = saved_at != self._kept_at
        self._turns.remember(changed_at, learned, promises, days, by_another=by_another)

    async def keep(self, now: datetime) -> None:
        """Write down what was learned, if that was not done lately, and how it stands with a ceiling."""
        if self._paid is not None:
            await self._paid.keep(now)
        if self._kept_at is not None and now - self._kept_at < _EVERY:
            return
        learned = {place: asdict(one) for place, one in self._turns.learned().items()}
        async with transaction(self._pool) as conn:
            await planned.save_learned(conn, self._platform, learned, now)
        self._kept_at = now
