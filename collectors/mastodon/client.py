"""Requests to Mastodon servers: where each really goes, when a server may be asked, and what it lacks."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urljoin, urlsplit

from collectors.core.collector import RequestFailure
from collectors.core.rate_limit_headers import (
    MOST_JITTER_S,
    NOT_STATED,
    Pauses,
    RateLimitWindow,
    failure_of,
    read_window,
)
from collectors.core.wire import WireFault, printable
from collectors.mastodon.wire.identity import host_at, host_of
from collectors.transport.client import (
    BudgetUsedUp,
    HostRefused,
    Http,
    HttpOptions,
    NoAnswer,
    NoAnswerInTime,
    RawAnswer,
)
from storage.model.core.availability import MissedReason

JSON: Final = "application/json"
ACTIVITY: Final = "application/activity+json"
_JRD: Final = "application/jrd+json, application/json"
_MAX_REDIRECTS: Final = 3
_LACK_LASTS: Final = timedelta(days=1)

Params = Sequence[tuple[str, str]]


class MastodonClient:
    """Sends requests to any number of servers and keeps a pause for each.

    Times are compared with the `now` of each call, never with a clock, so that a rehearsal can run in
    a time of its own.
    """

    def __init__(self, http: HttpOptions, origins: Mapping[str, str], dice: random.Random) -> None:
        """`origins` maps a host to the address that is really asked for it; these may be private."""
        self._origins = {host.lower(): origin.rstrip("/") for host, origin in origins.items()}
        if http.guard is not None:
            http = replace(http, guard=http.guard.trusting(self._origins.values()))
        self._http = Http(http, dice)
        self._longest_pause = http.longest_pause
        self._dice = dice
        self._pauses = Pauses()
        self._lacks_batch_until: dict[str, datetime] = {}
        self._has_batch: set[str] = set()

    def open(self) -> None:
        """Must run inside the event loop that will send the requests."""
        self._http.open()

    async def close(self) -> None:
        await self._http.close()

    def origin(self, host: str) -> str:
        """The address that is really asked for a host; empty when it is the host's own."""
        return self._origins.get(host.lower(), "")

    async def get(
        self,
        address: str,
        now: datetime,
        params: Params = (),
        accept: str = JSON,
        *,
        follow_up: bool = False,
    ) -> RawAnswer | WireFault:
        """The answer of the server that `address` names; a Fault when it gave none or must not be asked.

        A `follow_up` question is given up soon. Where it hung, further ones wait for a while.
        """
        host = host_of(address)
        if not host:
            return WireFault(MissedReason.BAD_REQUEST, f"{printable(address)} is not an address")
        beside = f"{host}, for follow-up questions"
        pause = self._pauses.of(now, host, beside) if follow_up else self._pauses.of(now, host)
        if pause is not None:
            return WireFault(pause.reason, pause.detail)
        headers = {"Accept": accept}
        origin = self._origins.get(host)
        if origin is not None:
            parts = urlsplit(address)
            address = origin + parts.path + (f"?{parts.query}" if parts.query else "")
            headers["Host"] = host
        try:
            answer = await self._http.get(address, params, headers, follow_up=follow_up)
        except HostRefused as e:
            return WireFault(MissedReason.BAD_REQUEST, printable(str(e)))
        except BudgetUsedUp as e:
            self._pauses.start(host, e.trouble)
            return e.not_asked
        except NoAnswer as e:
            fault = WireFault(MissedReason.NETWORK, printable(str(e)))
            if follow_up and isinstance(e, NoAnswerInTime):
                self._pauses.start(beside, self._failure(fault, NOT_STATED, now))
            return fault
        window = read_window(answer.headers)
        self._pauses.note_window(host, window, now)
        if answer.http_status == 429:
            fault = WireFault(MissedReason.RATE_LIMITED, "HTTP 429")
            self._pauses.start(host, self._failure(fault, window, now))
        return answer

    async def webfinger(
        self, server: str, resource: str, now: datetime, *, follow_up: bool = False
    ) -> RawAnswer | WireFault:
        """What `server` knows of `resource`. Redirects are followed, since the domain of a name may lead to
        another host; each step is judged like any other stranger's address.
        """
        address, params = f"{server}/.well-known/webfinger", [("resource", resource)]
        for _ in range(_MAX_REDIRECTS):
            answer = await self.get(address, now, params, _JRD, follow_up=follow_up)
            location = None if isinstance(answer, WireFault) else answer.headers.get("Location")
            if location is None or isinstance(answer, WireFault) or not 300 <= answer.http_status < 400:
                return answer
            try:
                address, params = urljoin(address, location), []
            except ValueError:
                return answer
        return await self.get(address, now, params, _JRD, follow_up=follow_up)

    def pause(self, place: str, now: datetime) -> RequestFailure | None:
        """Why a place must not be asked at `now`, and until when; None when it may be.

        Places are those of `Collector`. A pause of a server is also one of its posts, but not the reverse.
        """
        return self._pauses.of(now, host_at(place), place)

    def trouble(self, place: str, fault: WireFault, now: datetime) -> RequestFailure:
        """What to do after a server gave no usable answer. A fault that every further request would meet
        pauses the place.
        """
        pause = self.pause(place, now)
        if pause is not None and pause.reason is fault.reason:
            return pause
        trouble = self._failure(fault, NOT_STATED, now)
        if trouble.breaker:
            self._pauses.start(place, trouble)
        return trouble

    def lacks_batch(self, place: str, now: datetime) -> bool:
        """Whether a place refused to answer about several accounts or posts at once less than a day ago."""
        until = self._lacks_batch_until.get(place)
        return until is not None and now < until

    def note_batch(self, place: str, now: datetime, *, answered: bool) -> None:
        """Remember whether a place answers about several accounts or posts at once.

        After one such answer, a later refusal is not remembered: it is taken for a mishap.
        """
        if answered:
            self._has_batch.add(place)
        elif place not in self._has_batch:
            self._lacks_batch_until[place] = now + _LACK_LASTS

    def _failure(self, fault: WireFault, window: RateLimitWindow, now: datetime) -> RequestFailure:
        jitter_s = self._dice.uniform(0, MOST_JITTER_S)
        return failure_of(fault, window, now, jitter_s, self._longest_pause)
