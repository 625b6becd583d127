"""Whether a collector works: kept in the database, logged at the first failure and at the recovery."""

import asyncio
import logging
from datetime import datetime

from collectors.base import Trouble
from jobs.gate import Gate
from storage import collectors
from storage.db import Pool, transaction
from storage.model.accounts import Platform
from storage.model.availability import MissedReason

log = logging.getLogger(__name__)

_HELD_TO_TELL = 3


class Health:
    """The gate of one collector, as stored: a restarted monitor waits as long as a killed one would have."""

    def __init__(self, pool: Pool, platform: Platform) -> None:
        self.gate = Gate()
        self._pool = pool
        self._platform = platform
        self._held = 0
        self._stored: collectors.CollectorState | None = None
        self._saving = asyncio.Lock()

    async def load(self) -> None:
        async with transaction(self._pool) as conn:
            state = await collectors.load_state(conn, self._platform)
        self._stored = state
        if state is not None and not state.healthy and state.retry_at is not None:
            reason = None if state.reason is None else MissedReason(state.reason)
            self.gate = Gate(failures=1, closed_until=state.retry_at, reason=reason, detail=state.detail)

    async def note(self, trouble: Trouble | None, asked_at: datetime, at: datetime) -> None:
        """Take in how a request went. It is stored when the collector stops or works again."""
        if trouble is None:
            self._held = 0
        self.gate = self.gate.after(trouble, asked_at, at)
        await self._save(at)

    async def note_held(self, detail: str, asked_at: datetime, at: datetime) -> None:
        """An answer came, but its control accounts looked wrong. Several in a row are told."""
        self._held += 1
        self.gate = self.gate.after(None, asked_at, at)
        await self._save(at, detail)

    async def _save(self, at: datetime, held: str = "") -> None:
        async with self._saving:
            state = self._state(at, held)
            if state is None:
                return
            async with transaction(self._pool) as conn:
                await collectors.save_state(conn, state)
            self._stored = state

    def _state(self, at: datetime, held: str) -> collectors.CollectorState | None:
        """What has to be stored; None when it is stored already."""
        before = self._stored
        was_healthy = before is None or before.healthy
        if self.gate.closed_until is not None:
            healthy, reason, detail = False, self.gate.reason, self.gate.detail
        elif self._held >= _HELD_TO_TELL:
            healthy, reason, detail = False, MissedReason.HELD, held
        elif self._held and not was_healthy:
            return None  # it answers again, but that is not believed yet
        else:
            healthy, reason, detail = True, None, ""
        if healthy and was_healthy:
            return None
        retry_at = self.gate.closed_until
        if before is not None and not healthy and not was_healthy:
            if (before.reason, before.retry_at) == (reason and reason.value, retry_at):
                return None
            since = before.since
        else:
            since = at
            self._tell(healthy, reason, detail)
        return collectors.CollectorState(
            self._platform, healthy, reason and reason.value, detail, since, retry_at
        )

    def _tell(self, healthy: bool, reason: MissedReason | None, detail: str) -> None:
        if healthy:
            log.warning("The %s collector works again.", self._platform)
        else:
            log.warning("The %s collector gives nothing (%s): %s", self._platform, reason, detail)
