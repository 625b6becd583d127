# pyright: reportUnknownMemberType=false
"""The HTTP session that tweepy is given in place of its own: X's raw answers, kept and bounded.

tweepy parses JSON before it looks at the status, follows redirects and has no time limit. It is
therefore told that every answer that arrived was a success, and the true status stays in `raw`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from collectors.transport.client import Http, RawAnswer

TWEEPY_HOST: Final = "https://api.twitter.com"
"""Hard-coded in tweepy; X documents https://api.x.com."""


@dataclass(frozen=True, slots=True)
class TweepyAnswer:
    """An answer as tweepy wants to see it."""

    raw: RawAnswer
    status: int = 200
    """What tweepy is told. Never the real status: that is `raw.http_status`."""
    reason: str = "OK"

    async def read(self) -> bytes:
        """The body; tweepy calls this before it returns the answer."""
        return self.raw.body

    @property
    def headers(self) -> Mapping[str, str]:
        return self.raw.headers


class XSession:
    """Sends what tweepy asks for to `base_url`, through the connections of `http`."""

    def __init__(self, http: Http, base_url: str, spelling: Mapping[str, str]) -> None:
        """`spelling` replaces names of parameters and of fields: X renames them, tweepy does not follow."""
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._spelling = spelling

    def request(
        self,
        method: str,
        url: object,
        *,
        params: Mapping[str, object] | None,
        headers: Mapping[str, str],
        json: object = None,
    ) -> "_Exchange":
        """What tweepy calls. Entering the result raises NoAnswer when no answer came.

        A request that tweepy has signed holds its parameters in `url`: nothing in it may be spelled anew.
        """
        if method != "GET" or json is not None:
            raise ValueError(f"only GET requests are sent, not {method}")
        moved = str(url).replace(TWEEPY_HOST, self._base_url, 1)
        return _Exchange(self._http, moved, self._spelled(params or {}), headers)

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

    def __init__(self, http: Http, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> None:
        self._http, self._url, self._params, self._headers = http, url, params, headers

    async def __aenter__(self) -> TweepyAnswer:
        return TweepyAnswer(await self._http.get(self._url, self._params, self._headers))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to release: the answer was read to its end."""
