"""All labels of regional labelers: their streams, and their lists as a second source.

Every label is verified by the keys that the directory shows for its labeler. Without them nothing is read: a
label that cannot be verified is neither believed nor called forged.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import aiohttp

from collectors.bluesky.client import LABELS_A_PAGE, BlueskyClient
from collectors.bluesky.wire.identity import has_log
from collectors.bluesky.wire.label_lists import read_label_page
from collectors.bluesky.wire.label_stream import (
    FUTURE,
    OUTDATED,
    ErrorFrame,
    InfoFrame,
    LabelsFrame,
    UnreadableFrame,
    read_frame,
    read_signed_labels,
    with_signature_bytes,
)
from collectors.bluesky.wire.labeler_keys import LabelKey, read_label_keys
from collectors.core.abilities import StreamLost
from collectors.core.wire import WireFault
from storage.model.core.labels import KeyLog, LabelBatch, LabelGap, LabelRefusal

_QUIET_S: Final = 60.0
_KEYS_AGAIN: Final = timedelta(minutes=1)
"""How soon the directory is asked again when a signature does not fit: whoever sends forged labels must not
make us ask for each.
"""
_KEYS_KEPT: Final = timedelta(hours=1)
"""A key that was given up counts no longer than this."""
_MOST_PAGES: Final = 20_000
_SMALLEST_PAGE: Final = 150
"""Each reading of a list has pages of another size, up to `LABELS_A_PAGE`. The reference server does not sort
its list, so what lies between two pages may be left out (measured); with other pages it is something else.
"""
_OVER: Final = frozenset({aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED})


@dataclass(frozen=True, slots=True)
class _LabelerKeys:
    log: KeyLog
    keys: tuple[LabelKey, ...]


class LabelerFeed:
    """See `LabelFeed`. `regions` has the labeler of each country.

    Raises ValueError, with a clause for the operator, for a labeler whose keys nobody keeps in public.
    """

    def __init__(
        self, client: BlueskyClient, regions: Mapping[str, str], withholding: Collection[str]
    ) -> None:
        unlogged = [did for did in regions.values() if not has_log(did)]
        if unlogged:
            raise ValueError(f"{unlogged[0]} has no public log of its keys, so its labels cannot be verified")
        self._client = client
        self._withholding = withholding
        self._countries = {did: country for country, did in regions.items()}
        self._keys: dict[str, _LabelerKeys] = {}

    @property
    def countries(self) -> Mapping[str, str]:
        return self._countries

    @property
    def withholding(self) -> Collection[str]:
        return self._withholding

    async def stream(
        self, labeler: str, cursor: int, clock: Callable[[], datetime]
    ) -> AsyncGenerator[LabelBatch | LabelGap | None]:
        """See `LabelFeed`."""
        await self._keys_of(labeler, clock(), clock() - _KEYS_KEPT)
        socket = await self._client.label_socket(labeler, cursor, clock())
        if isinstance(socket, WireFault):
            raise StreamLost(f"The stream cannot be reached: {socket.detail}.")
        try:
            while True:
                data = await _next_message(socket)
                frame = None if data is None else read_frame(data)
                match frame:
                    case LabelsFrame():
                        yield await self._batch(labeler, frame.seq, frame.labels, clock)
                    case InfoFrame(name) if name == OUTDATED:
                        yield LabelGap.OUTDATED_CURSOR
                    case ErrorFrame(error, message):
                        if error == FUTURE:
                            yield LabelGap.FUTURE_CURSOR
                        raise StreamLost(f"The labeler ended the stream: {error} ({message}).")
                    case UnreadableFrame():
                        yield LabelGap.UNREADABLE_MESSAGE
                    case _:
                        yield None
        finally:
            await socket.close()

    async def listing(self, labeler: str, clock: Callable[[], datetime]) -> AsyncGenerator[LabelBatch]:
        """See `LabelFeed`."""
        await self._keys_of(labeler, clock(), clock() - _KEYS_KEPT)
        most = random.SystemRandom().randint(_SMALLEST_PAGE, LABELS_A_PAGE)
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            answer = await self._client.label_page(labeler, ["*"], cursor, clock(), most)
            if isinstance(answer, WireFault):
                raise StreamLost(f"The list was not answered: {answer.detail}.")
            page = read_label_page(answer)
            if page is None:
                raise StreamLost(f"The list was refused or cannot be read (HTTP {answer.http_status}).")
            yield await self._batch(labeler, None, map(with_signature_bytes, page.labels), clock)
            if page.next_cursor is None:
                return
            if page.next_cursor == cursor:
                break
            cursor = page.next_cursor
        raise StreamLost("The list does not end.")

    async def _batch(
        self, labeler: str, seq: int | None, labels: Iterable[object], clock: Callable[[], datetime]
    ) -> LabelBatch:
        """The labels, verified. Where a signature does not fit, the keys may be new."""
        sent = list(labels)
        known = await self._keys_of(labeler, clock(), clock() - _KEYS_KEPT)
        # A page has 250 signatures, and others use the event loop.
        good, refused = await asyncio.to_thread(read_signed_labels, sent, labeler, known.keys)
        if any(one.reason is LabelRefusal.FORGED for one in refused):
            newer = await self._keys_of(labeler, clock(), clock() - _KEYS_AGAIN)
            if newer.keys != known.keys:
                good, refused = await asyncio.to_thread(read_signed_labels, sent, labeler, newer.keys)
                known = newer
        return LabelBatch(seq, good, refused, known.log)

    async def _keys_of(self, labeler: str, now: datetime, since: datetime) -> _LabelerKeys:
        """The keys of a labeler; those that are known will do, unless they are older than `since`."""
        known = self._keys.get(labeler)
        if known is not None and known.log.read_at >= since:
            return known
        answer = await self._client.log(labeler, now)
        if isinstance(answer, WireFault):
            raise StreamLost(f"The keys of the labeler are not known: {answer.detail}.")
        keys = read_label_keys(answer, labeler)
        if isinstance(keys, WireFault):
            raise StreamLost(f"The keys of the labeler are not known: {keys.detail}.")
        self._keys[labeler] = _LabelerKeys(KeyLog(answer.body, now), keys)
        return self._keys[labeler]


async def _next_message(socket: aiohttp.ClientWebSocketResponse) -> bytes | None:
    """The next message; None: nothing came for a while, or text, which no version of the protocol sends."""
    try:
        message = await socket.receive(timeout=_QUIET_S)
    except TimeoutError:
        return None
    except (aiohttp.ClientError, OSError) as e:
        raise StreamLost(f"The stream broke off ({type(e).__name__}).") from None
    if message.type is aiohttp.WSMsgType.BINARY:
        return message.data
    if message.type in _OVER:
        raise StreamLost(f"The stream was closed by the labeler (code {socket.close_code}).")
    if message.type is aiohttp.WSMsgType.ERROR:
        raise StreamLost(f"The stream broke off ({type(message.data).__name__}).")
    return None
