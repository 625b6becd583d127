# pyright: reportUnknownMemberType=false
"""The HTTP session that tweepy is given in place of its own: X's raw answers, kept and bounded.

tweepy parses JSON before it looks at the status, follows redirects and has no time limit. It is
therefore told that every answer that arrived was a success, and the true status stays here.
"""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final

import aiohttp

TWEEPY_HOST: Final = "https://api.twitter.com"
"""Hard-coded in tweepy; X documents https://api.x.com."""

MAX_BODY: Final = 8 * 1024 * 1024
_LONGEST_BACKOFF_S: Final = 60.0
_WORTH_REPEATING: Final = frozenset({500, 502, 503, 504})


class NoAnswer(Exception):
    """No HTTP answer came: connection, TLS, time limit, or an answer beyond every reasonable size."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a GET is repeated after a connection error, a time-out or a 5xx, and how soon.

    Repeat n waits a random time below `base_s * 4 ** n` seconds.
    """

    attempts: int = 2
    base_s: float = 1.0


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An HTTP answer as it came."""

    http_status: int
    headers: Mapping[str, str]
    body: bytes
    status: int = 200
    """What tweepy is told. Never the real status: that is `http_status`."""
    reason: str = "OK"

    async def read(self) -> bytes:
        """The body; tweepy calls this before it returns the answer."""
        return self.body


class XSession:
    """Sends what tweepy asks for to `base_url`. Owns one aiohttp session, and is closed by its owner."""

    def __init__(
        self,
        base_url: str,
        timeout_s: float,
        retry: Retry,
        spelling: Mapping[str, str],
        dice: random.Random,
    ) -> None:
        """`spelling` replaces names of parameters and of fields: X renames them, tweepy does not follow."""
        self._base_url = base_url.rstrip("/")
        self._retry = retry
        self._spelling = spelling
        self._dice = dice
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=timeout_s), cookie_jar=aiohttp.DummyCookieJar()
        )

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, object],
        headers: Mapping[str, str],
        json: object = None,
    ) -> "_Exchange":
        """What tweepy calls. Entering the result raises NoAnswer when no answer came."""
        if method != "GET" or json is not None:
            raise ValueError(f"only GET requests are sent, not {method}")
        return _Exchange(self, url.replace(TWEEPY_HOST, self._base_url, 1), self._spelled(params), headers)

    async def fetch(self, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> RawAnswer:
        """The answer to a GET, after as many repeats as allowed. Raises NoAnswer."""
        for repeat in range(self._retry.attempts):
            try:
                answer = await self._fetch_once(url, params, headers)
            except NoAnswer:
                pass
            else:
                if answer.http_status not in _WORTH_REPEATING:
                    return answer
            ceiling = min(self._retry.base_s * 4**repeat, _LONGEST_BACKOFF_S)
            await asyncio.sleep(self._dice.uniform(0, ceiling))
        return await self._fetch_once(url, params, headers)

    async def close(self) -> None:
        await self._session.close()

    async def _fetch_once(self, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> RawAnswer:
        try:
            async with self._session.get(
                url, params=params, headers=headers, allow_redirects=False
            ) as response:
                body = bytearray()
                while chunk := await response.content.readany():
                    body += chunk
                    if len(body) > MAX_BODY:
                        raise NoAnswer(f"an answer of more than {MAX_BODY} bytes")
                return RawAnswer(response.status, response.headers, bytes(body))
        except TimeoutError:
            raise NoAnswer("no answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as e:
            # The chain ends here: aiohttp's errors carry the request's headers, and with them the token.
            raise NoAnswer(f"{type(e).__name__}: {e}") from None

    def _spelled(self, params: Mapping[str, object]) -> dict[str, str]:
        spelling = self._spelling
        if not spelling:
            return {name: str(value) for name, value in params.items()}
        return {
            spelling.get(name, name): ",".join(spelling.get(word, word) for word in str(value).split(","))
            for name, value in params.items()
        }


class _Exchange:
    """The `async with session.request(...)` of tweepy."""

    def __init__(
        self, session: XSession, url: str, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> None:
        self._session, self._url, self._params, self._headers = session, url, params, headers

    async def __aenter__(self) -> RawAnswer:
        return await self._session.fetch(self._url, self._params, self._headers)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to release: the answer was read to its end."""
