"""Posts alerts over HTTP. Its errors stop here and become `Undeliverable`, which says what to do.

No sentence holds the address or a secret of the receiver: what it says is quoted without any word that stands
in one of them.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import unquote

import aiohttp
from yarl import URL

from collectors.transport.client import USER_AGENT
from jobs.delivery.sender import DeliveryFault, Undeliverable
from storage.model.text.states import clean

_ANSWER_LIMIT: Final = 4096
_QUOTED: Final = 200
_LATER: Final = frozenset({408, 425, 429})
"""Refusals of the fours that do not speak of the request itself (RFC 9110, 8470, 6585)."""
_LONGEST_WAIT: Final = timedelta(hours=1)
_WORD: Final = re.compile(r"[\w-]{4,}")
_PIECES: Final = (re.compile(r"\S{4,}"), re.compile(r"[\w-][\w.-]{2,}[\w-]"), _WORD)
"""In what pieces an answer is looked through for one that stands in an address or a secret."""


@dataclass(frozen=True, slots=True)
class PostTarget:
    """Where to post."""

    called: str
    """The beginning of a sentence about it: "Webhook desk"."""
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


class HttpPost:
    """One session for all receivers, opened by the first alert and used until `close`."""

    def __init__(self, timeout_s: float) -> None:
        """`timeout_s` is for the whole of one request."""
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def send(self, to: PostTarget, body: bytes, headers: Mapping[str, str], now: datetime) -> None:
        """Return once the receiver accepted `body`. Raises Undeliverable."""
        try:
            async with self._open().post(
                URL(to.url, encoded=True), data=body, headers=headers, allow_redirects=False
            ) as response:
                if not 200 <= response.status < 300:
                    raise _refused(to, response, await _answer(response), now)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            # Their own words hold the address.
            raise Undeliverable(
                f"{to.called}: {_why(error)}.", permanent=False, fault=DeliveryFault.SERVER
            ) from None

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT},
            )
        return self._session


async def _answer(response: aiohttp.ClientResponse) -> str:
    """The beginning of what the receiver said; what cannot be read is left out."""
    received = bytearray()
    try:
        while len(received) < _ANSWER_LIMIT and (chunk := await response.content.read(_ANSWER_LIMIT)):
            received += chunk
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass
    return bytes(received[:_ANSWER_LIMIT]).decode(errors="replace")


def _refused(to: PostTarget, response: aiohttp.ClientResponse, answer: str, now: datetime) -> Undeliverable:
    status = response.status
    if 300 <= status < 400:
        return Undeliverable(
            f"{to.called} answers with a redirect ({status}), which is not followed: set the address that it "
            "leads to.",
            permanent=True,
        )
    permanent = 400 <= status < 500 and status not in _LATER
    return Undeliverable(
        f"{to.called} refused the alert: {_said(status, answer, to)}.",
        permanent=permanent,
        retry_after=None if permanent else wait_asked_for(response.headers.get("Retry-After"), now),
    )


def wait_asked_for(value: str | None, now: datetime) -> timedelta | None:
    """What a Retry-After asks to wait, in seconds or until a date; more than an hour is not believed."""
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        wait = timedelta(seconds=int(text))
    else:
        try:
            until = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(wait, _LONGEST_WAIT) if wait > timedelta(0) else None


def _said(status: int, answer: str, to: PostTarget) -> str:
    if not answer.strip():
        return str(status)
    address = to.url.partition("://")[2]
    secret = " ".join((address, unquote(address), *to.secrets)).casefold()
    quoted = clean(answer, _ANSWER_LIMIT)
    for piece in _PIECES:
        quoted = piece.sub(lambda found: "…" if found[0].casefold() in secret else found[0], quoted)
    for word in sorted(set(_WORD.findall(secret)), key=len, reverse=True):
        quoted = re.sub(re.escape(word), "…", quoted, flags=re.IGNORECASE)
    return f"{status} {clean(quoted, _QUOTED)}".rstrip(".")


def _why(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "it did not answer in time"
        case aiohttp.ClientConnectorDNSError():
            return "its host is not found"
        case aiohttp.ClientSSLError():
            return "no secure connection to it can be made; its certificate may be wrong"
        case aiohttp.ClientConnectorError():
            number = error.os_error.errno
            return "it cannot be reached" + (f" ({os.strerror(number)})" if number else "")
        case aiohttp.ClientResponseError():
            return "what it answers is not HTTP"
        case ValueError():
            return "its address cannot be used"
        case _:
            return "it ended the connection without an answer"
