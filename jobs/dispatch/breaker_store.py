"""Whether a collector works: kept in the database, logged at the first failure and at the recovery.

Each place of a collector (a Mastodon server, or the whole of X) fails, pauses and recovers alone.
"""

import asyncio
import logging
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from collectors.core.collector import RequestFailure
from collectors.core.rate_limit_headers import LONGEST_WAIT
from jobs.dispatch.circuit_breaker import CircuitBreaker
from storage.health import collector_state
from storage.health.collector_state import CollectorState
from storage.model.core.accounts import Platform
from storage.model.core.availability import MissedReason
from storage.model.text.units import span
from storage.postgres.pool import Pool, transaction

log = logging.getLogger(__name__)

_HELD_TO_TELL = 3


@dataclass(slots=True)
class _Held:
    """Answers in a row that were not believed."""

    unheard: set[Hashable]
    """Whoever was asked and of whom no other answer was believed since."""
    times: int = 0


@dataclass(slots=True)
class _PlaceBreaker:
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    held: dict[tuple[Hashable, ...], "_Held"] = field(default_factory=dict[tuple[Hashable, ...], "_Held"])
    """By what was asked."""
    detail: str = ""
    """Why an answer was held, the last time."""
    stored: CollectorState | None = None
    saving: asyncio.Lock = field(default_factory=asyncio.Lock)


def _resumed(state: CollectorState) -> CircuitBreaker:
    """The circuit breaker of a place that stopped, as it was stored."""
    reason = None if state.reason is None else MissedReason(state.reason)
    return CircuitBreaker(failures=1, paused_until=state.retry_at, reason=reason, detail=state.detail)


class BreakerStore:
    """The circuit breakers of one collector, stored: a restarted monitor waits as long as a killed one."""

    def __init__(
        self, pool: Pool, platform: Platform, vantage: str = "", longest: timedelta = LONGEST_WAIT
    ) -> None:
        """No place is left alone for more than `longest`, but for what it said."""
        self._longest = longest
        self._pool = pool
        self._platform = platform
        self._vantage = vantage
        self._places: dict[str, _PlaceBreaker] = {}

    async def load(self) -> None:
        async with transaction(self._pool) as conn:
            states = await collector_state.load_states(conn, self._platform, self._vantage)
        for place, state in states.items():
            here = self._at(place)
            here.stored = state
            if not state.healthy and state.retry_at is not None:
                here.breaker = _resumed(state)

    async def follow(self) -> None:
        """Take up what other processes that read the same places found out since: a place that stopped is
        left alone here as well, and one that works again is asked again.
        """
        before = {place: here.stored for place, here in self._places.items()}
        async with transaction(self._pool) as conn:
            states = await collector_state.load_states(conn, self._platform, self._vantage)
        for place, state in states.items():
            here, stored = self._at(place), before.get(place)
            if state == stored or here.stored is not stored or here.saving.locked():
                continue  # nothing is new, or this process stored something while it was looked up
            here.stored = state
            if state.healthy and stored is not None and not stored.healthy:
                here.breaker = CircuitBreaker()
                here.held.clear()
            elif not state.healthy and state.retry_at is not None:
                own = here.breaker
                if own.paused_until is None or own.paused_until < state.retry_at:
                    here.breaker = replace(_resumed(state), trips=own.trips)

    def paused_until(self, place: str) -> datetime | None:
        """Until when no further request goes to a place; None or a past time: one may."""
        here = self._places.get(place)
        return None if here is None else here.breaker.closed_until

    def admits(self, place: str, now: datetime) -> bool:
        """Whether a request that is ready goes to a place. To one that failed one goes, the probe; the others
        wait for its answer, at most as long as for a pause.
        """
        here = self._places.get(place)
        if here is None:
            return True
        if (closed_until := here.breaker.closed_until) is not None and now < closed_until:
            return False
        here.breaker = here.breaker.probed(now, self._longest)
        return True

    def is_paused(self, place: str, now: datetime) -> bool:
        here = self._places.get(place)
        return here is not None and here.breaker.is_paused(now)

    async def note(
        self,
        place: str,
        asked: Sequence[Hashable],
        failure: RequestFailure | None,
        asked_at: datetime,
        at: datetime,
        *,
        sent: bool = True,
    ) -> None:
        """Take in how a request about `asked` went. It is stored when the place stops or works again.

        Not `sent`: what stood in its way counts, but for the silence that another request met, which counts
        there.
        """
        if not sent and failure is not None and failure.reason is MissedReason.NETWORK:
            return
        here = self._at(place)
        if failure is None:
            # Some were asked for one occasion, and never together again: each counts by itself.
            for held in here.held.values():
                held.unheard.difference_update(asked)
            here.held = {those: held for those, held in here.held.items() if held.unheard}
        here.breaker = here.breaker.after(failure, asked_at, at, self._longest)
        await self._save(place, here, at)

    async def note_quarantined(
        self, place: str, asked: Sequence[Hashable], detail: str, asked_at: datetime, at: datetime
    ) -> None:
        """An answer about `asked` came, but was not believed. Several in a row are told."""
        here = self._at(place)
        held = here.held.setdefault(tuple(asked), _Held(set(asked)))
        held.times += 1
        here.breaker = here.breaker.after(None, asked_at, at)
        here.detail = detail
        await self._save(place, here, at)

    def _at(self, place: str) -> _PlaceBreaker:
        return self._places.setdefault(place, _PlaceBreaker())

    async def _save(self, place: str, here: _PlaceBreaker, at: datetime) -> None:
        if here.stored is None and not here.held and here.breaker.paused_until is None:
            return  # the usual case: it works, as far as anybody knows
        async with here.saving:
            state = self._state(place, here, at)
            if state is None:
                return
            async with transaction(self._pool) as conn:
                await collector_state.save_state(conn, state)
            here.stored = state

    def _state(self, place: str, here: _PlaceBreaker, at: datetime) -> CollectorState | None:
        """What has to be stored; None when it is stored already."""
        before = here.stored
        was_healthy = before is None or before.healthy
        if here.breaker.paused_until is not None:
            healthy, reason, detail = False, here.breaker.reason, here.breaker.detail
        elif max((held.times for held in here.held.values()), default=0) >= _HELD_TO_TELL:
            healthy, reason, detail = False, MissedReason.HELD, here.detail
        elif here.held and not was_healthy:
            return None  # it answers again, but that is not believed yet
        else:
            healthy, reason, detail = True, None, ""
        if healthy and was_healthy:
            return None
        retry_at = here.breaker.paused_until
        if before is not None and not healthy and not was_healthy:
            if (before.reason, before.retry_at) == (reason and reason.value, retry_at):
                return None
            since = before.since
        else:
            since = at
            lasted = None if before is None or was_healthy else at - before.since
            self._log(place, lasted, reason, detail)
        return CollectorState(
            platform=self._platform,
            healthy=healthy,
            reason=reason and reason.value,
            detail=detail,
            since=since,
            retry_at=retry_at,
            place=place,
            vantage=self._vantage,
        )

    def _log(self, place: str, lasted: timedelta | None, reason: MissedReason | None, detail: str) -> None:
        """Log a failure, or a recovery after a failure that lasted so long."""
        seen_from = self._vantage and f"(from {self._vantage})"
        name = " ".join(filter(None, (self._platform.value, place, seen_from)))
        fields = {"platform": self._platform.value, "place": place, "vantage": self._vantage}
        if lasted is not None:
            extra = {"event": "collector_recovered", **fields}
            log.info("%s collector recovered after %s", name, span(lasted), extra=extra)
        else:
            extra = {"event": "collector_failed", "reason": reason and reason.value, **fields}
            log.warning("%s collector failed (%s): %s", name, reason, detail, extra=extra)
