"""HTTP as collectors need it: bounded in time and size, repeated seldom, never following a redirect.

Nothing that aiohttp raises leaves this module: it carries the headers of the request, and with them a token.
"""

import asyncio
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from collectors.core.collector import RequestFailure
from collectors.core.rate_limit_headers import LONGEST_WAIT, NOT_STATED, read_window
from collectors.core.shared_budget import RequestBudget
from collectors.core.wire import NotAsked
from collectors.transport.host_pacing import HostRateLimiter
from collectors.transport.ssrf_guard import Guard, PrivateAddressError

USER_AGENT: Final = "Blockline"
MAX_BODY: Final = 8 * 1024 * 1024
_LONGEST_BACKOFF_S: Final = 60.0
# Its parameters are not typed. One second is enough for a goodbye that a dead server never answers.
_GOODBYE: Final = aiohttp.ClientWSTimeout(ws_close=1.0)  # pyright: ignore[reportCallIssue]
_WORTH_REPEATING: Final = frozenset({500, 502, 503, 504})


class NoAnswer(Exception):
    """No HTTP answer came: connection, TLS, time limit, or an answer beyond every reasonable size."""


class NoAnswerInTime(NoAnswer):
    """The time limit passed: the host may hang."""


class HostRefused(NoAnswer):
    """The host was not asked, because a stranger named it and it is not public."""


class BudgetUsedUp(NoAnswer):
    """The host was not asked, because all who share its budget have used that up for now."""

    def __init__(self, trouble: RequestFailure) -> None:
        super().__init__(trouble.detail)
        self.trouble = trouble
        self.not_asked = NotAsked(trouble.reason, trouble.detail, trouble.retry_at)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a GET is repeated after a connection error, a time-out or a 5xx, and how soon.

    Repeat n waits a random time below `base_s * 4 ** n` seconds.
    """

    attempts: int = 2
    base_s: float = 1.0


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An HTTP answer as it came. Header names are matched in any case of letters.

    `asked_s` and `answered_s`: when it was sent, and when all of it had come, by the clock of the event loop.
    """

    http_status: int
    headers: Mapping[str, str]
    body: bytes
    asked_s: float
    answered_s: float

    def after(self, began_s: float) -> tuple[timedelta, timedelta]:
        """How long after `began_s` it was sent, and all of it had come."""
        asked, answered = (max(0.0, at_s - began_s) for at_s in (self.asked_s, self.answered_s))
        return timedelta(seconds=asked), timedelta(seconds=answered)


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """`proxy` is the address of an HTTP proxy, which may hold user and password: never logged.

    With a proxy the hosts of strangers are judged here, by the addresses that they have here.
    `pace` is how fast each host is asked, None as fast as it goes; `guard` judges hosts of strangers;
    `budget` is asked before each request, where others ask with this credential or from this address.
    """

    timeout_s: float = 20.0
    follow_up_s: float = 5.0
    """What a follow-up question gets in place of `timeout_s`: while it is asked about one account, the others
    of the same batch wait to be recorded.
    """
    retry: Retry = field(default_factory=Retry)
    longest_pause: timedelta = LONGEST_WAIT
    """How long a place that refused or failed is left alone at most, unless it said for how long."""
    max_body: int = MAX_BODY
    proxy: str | None = field(default=None, repr=False)
    pace: HostRateLimiter | None = None
    guard: Guard | None = None
    budget: RequestBudget | None = None


class Http:
    """Sends requests. Use as `async with`: it owns the connections."""

    def __init__(self, options: HttpOptions, dice: random.Random | None = None) -> None:
        self._options = options
        self._dice = dice or random.SystemRandom()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def open(self) -> None:
        """Must run inside the event loop that will send the requests."""
        guard = self._options.guard
        resolver = guard.resolver() if guard is not None and self._options.proxy is None else None
        self._session = aiohttp.ClientSession(
            # Without a limit for all hosts together: those that hang would take the room of the others.
            connector=aiohttp.TCPConnector(resolver=resolver, limit=0, limit_per_host=24),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT},
            trace_configs=[_no_redirects()],
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        self._session = None

    async def get(
        self,
        url: str,
        params: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        *,
        follow_up: bool = False,
    ) -> RawAnswer:
        """The answer to a GET, after as many repeats as allowed. Raises NoAnswer.

        A `follow_up` question is given up soon, and is repeated only within that time.
        """
        retry, loop = self._options.retry, asyncio.get_running_loop()
        timeout_s = self._options.follow_up_s if follow_up else self._options.timeout_s
        repeats_until = loop.time() + timeout_s if follow_up else math.inf
        said = await self._tried(url, params, headers, timeout_s)
        for repeat in range(retry.attempts):
            wait_s = self._dice.uniform(0, min(retry.base_s * 4**repeat, _LONGEST_BACKOFF_S))
            if not _is_worth_repeating(said) or loop.time() + wait_s >= repeats_until:
                break
            await asyncio.sleep(wait_s)
            again = await self._tried(url, params, headers, timeout_s)
            if isinstance(again, BudgetUsedUp):
                break  # what came of the request before is what is known
            said = again
        if isinstance(said, NoAnswer):
            raise said
        return said

    async def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> RawAnswer:
        """The answer to one request, never repeated: it may have been carried out. Raises NoAnswer.

        `url` goes out letter by letter, because one that was signed must not be spelled anew.
        """
        return await self._once(method, url, (), headers, self._options.timeout_s, body, exact=True)

    async def websocket(
        self, url: str, *, heartbeat_s: float, largest: int
    ) -> aiohttp.ClientWebSocketResponse:
        """An open websocket at an address with http: or https:. Raises NoAnswer.

        A server that answers no ping, of which one is sent every `heartbeat_s` seconds, is lost. Messages of
        more than `largest` bytes end it.
        """
        if self._session is None:
            raise RuntimeError("the collector is used outside of its `async with`")
        options = self._options
        try:
            async with asyncio.timeout(options.timeout_s):
                if options.guard is not None:
                    options.guard.check(url)
                    if options.proxy is not None:
                        await options.guard.judge(url)
                return await self._session.ws_connect(
                    url, timeout=_GOODBYE, heartbeat=heartbeat_s, max_msg_size=largest, proxy=options.proxy
                )
        except TimeoutError:
            raise NoAnswerInTime("no answer in time") from None
        except PrivateAddressError as e:
            raise HostRefused(str(e)) from None
        except (aiohttp.ClientError, OSError, ValueError) as e:
            raise NoAnswer(f"no websocket ({type(e).__name__})") from None

    async def _tried(
        self,
        url: str,
        params: Mapping[str, str] | Sequence[tuple[str, str]],
        headers: Mapping[str, str] | None,
        timeout_s: float,
    ) -> RawAnswer | NoAnswer:
        try:
            return await self._once("GET", url, params, headers, timeout_s)
        except NoAnswer as e:
            return e

    async def _once(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | Sequence[tuple[str, str]],
        headers: Mapping[str, str] | None,
        timeout_s: float,
        body: bytes | None = None,
        *,
        exact: bool = False,
    ) -> RawAnswer:
        budget = self._options.budget
        if budget is None:
            return await self._asked(method, url, params, headers, timeout_s, body, exact=exact)
        counted_at = _counted_at(url, headers)
        granted = await budget.take(counted_at)
        if isinstance(granted, RequestFailure):
            raise BudgetUsedUp(granted)
        try:
            answer = await self._asked(method, url, params, headers, timeout_s, body, exact=exact)
        except NoAnswer:
            await budget.note(counted_at, granted, None, NOT_STATED)
            raise
        await budget.note(counted_at, granted, answer.http_status, read_window(answer.headers))
        return answer

    async def _asked(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | Sequence[tuple[str, str]],
        headers: Mapping[str, str] | None,
        timeout_s: float,
        body: bytes | None,
        *,
        exact: bool,
    ) -> RawAnswer:
        if self._session is None:
            raise RuntimeError("the collector is used outside of its `async with`")
        options = self._options
        try:
            if options.guard is not None:
                options.guard.check(url)
                if options.proxy is not None:
                    async with asyncio.timeout(timeout_s):
                        await options.guard.judge(url)
            if options.pace is not None:
                await options.pace.wait(url)
            loop = asyncio.get_running_loop()
            asked_s = loop.time()
            async with self._session.request(
                method,
                URL(url, encoded=True) if exact else url,
                params=params,
                headers=headers,
                data=body,
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                allow_redirects=False,
                proxy=options.proxy,
            ) as response:
                received = bytearray()
                while chunk := await response.content.readany():
                    received += chunk
                    if len(received) > options.max_body:
                        raise NoAnswer(f"the answer is larger than {options.max_body} bytes")
                return RawAnswer(response.status, response.headers, bytes(received), asked_s, loop.time())
        except TimeoutError:
            raise NoAnswerInTime("no answer in time") from None
        except PrivateAddressError as e:
            raise HostRefused(str(e)) from None
        except (aiohttp.ClientError, OSError, ValueError) as e:
            if isinstance(e, aiohttp.ClientConnectorError) and isinstance(e.os_error, PrivateAddressError):
                raise HostRefused(str(e.os_error)) from None
            raise NoAnswer(_said(e, options.proxy)) from None


def _counted_at(url: str, headers: Mapping[str, str] | None) -> str:
    """The address by its own name, where a mirror is asked for it."""
    host = (headers or {}).get("Host")
    return url if host is None else urlsplit(url)._replace(netloc=host).geturl()


def _is_worth_repeating(said: RawAnswer | NoAnswer) -> bool:
    if isinstance(said, NoAnswer):
        return not isinstance(said, HostRefused | BudgetUsedUp)
    return said.http_status in _WORTH_REPEATING


def _said(error: Exception, proxy: str | None) -> str:
    """What went wrong, without the password that the address of a proxy may hold."""
    at_proxy = aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError
    if proxy is not None and isinstance(error, at_proxy):
        return f"{type(error).__name__}: the proxy does not answer as one"
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.InvalidURL):
        return f"{type(error).__name__}: not a usable HTTP answer"  # its own words hold the whole address
    return f"{type(error).__name__}: {error}"


def _no_redirects() -> aiohttp.TraceConfig:
    """A websocket has no option not to follow a redirect, which may lead past the guard."""

    async def refuse(*_: object) -> None:
        raise aiohttp.ClientError("redirects are not followed")

    config = aiohttp.TraceConfig()
    config.on_request_redirect.append(refuse)
    return config
