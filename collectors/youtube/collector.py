"""Collector for YouTube: channels and videos by their ids, 50 in a request."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from collectors.core.collector import (
    BatchReadings,
    CanaryCandidate,
    Exchange,
    RequestFailure,
    Resolution,
    ResolvedHandle,
    UnresolvedHandle,
    UnresolvedReason,
)
from collectors.core.rate_limit_headers import NOT_STATED
from collectors.core.wire import WireFault
from collectors.transport.batch_collector import BatchCollector, BatchRequest
from collectors.transport.client import HttpOptions
from collectors.youtube.declaration import DECLARATION, YOUTUBE, video_of
from collectors.youtube.wire import excerpt, read_answer, read_resolved
from storage.model.core.availability import MissedReason

_CHANNELS, _VIDEOS = "channels", "videos"
"""The ends of the two addresses, and the names of the places. The names are stored and shown."""
_PACIFIC = ZoneInfo("America/Los_Angeles")
_STABLE = {
    _CHANNELS: (
        CanaryCandidate("UC_x5XG1OV2P6uZZ5FSM9Ttw", "GoogleDevelopers"),
        CanaryCandidate("UCBR8-60-B28hp2BmDPdntcQ", "YouTube"),
    ),
    _VIDEOS: (
        CanaryCandidate("video:jNQXAC9IVRw", "jNQXAC9IVRw"),
        CanaryCandidate("video:Ks-_Mh1QhMc", "Ks-_Mh1QhMc"),
    ),
}
"""Two channels of Google, the first video on YouTube, and the one in the examples of the reference."""
_LAG = timedelta(minutes=2)
"""Added to midnight, in case this machine's clock is fast."""
_AGAIN = timedelta(hours=1)
"""The quota may have been raised, or the key replaced."""


def retry_without_units(now: datetime) -> datetime:
    """The next try when the units of the day are used up: in an hour, or shortly after midnight Pacific Time,
    when the units come back.
    """
    tomorrow = now.astimezone(_PACIFIC).date() + timedelta(days=1)
    midnight = datetime.combine(tomorrow, time(), _PACIFIC).astimezone(UTC)
    return min(midnight + _LAG, now + _AGAIN)


class YouTubeCollector(BatchCollector):
    """See `Collector`. Channels and videos are asked for apart, so each kind is a place of its own."""

    platform = YOUTUBE

    def __init__(self, key: str, base_url: str, http: HttpOptions) -> None:
        super().__init__(base_url, http)
        # docs.cloud.google.com/docs/authentication/api-keys-use. In the address it would get into logs.
        self._headers = {"X-Goog-Api-Key": key}

    def place(self, native_id: str) -> str:
        return _CHANNELS if video_of(native_id) is None else _VIDEOS

    def request(self, native_ids: Sequence[str]) -> BatchRequest:
        place = self.place(native_ids[0])
        # Without maxResults a page of channels holds five.
        part = [("part", "snippet,status"), ("maxResults", str(self.batch_size))]
        if place == _VIDEOS:
            part = [("part", "contentDetails,status")]
        ids = ",".join(video_of(native_id) or native_id for native_id in native_ids)
        return self._get(place, [*part, ("id", ids)], f"id=… ({len(native_ids)})")

    def readings(
        self, http_status: int, body: bytes, asked: Sequence[str], at: datetime
    ) -> BatchReadings | WireFault:
        return read_answer(http_status, body, asked, at)

    def excerpt(self, exchange: Exchange, native_ids: Iterable[str]) -> dict[str, object]:
        return excerpt(exchange, native_ids)

    def with_retry_time(self, trouble: RequestFailure, now: datetime) -> RequestFailure:
        """See `retry_without_units`."""
        is_capped = trouble.reason is MissedReason.USAGE_CAPPED
        return replace(trouble, retry_at=retry_without_units(now)) if is_capped else trouble

    async def resolve(self, names: Sequence[str], now: datetime) -> Resolution:
        """The channels of handles and ids, one request each. An id of a video is returned without a request:
        nothing checks that the video exists.
        """
        found: list[ResolvedHandle] = []
        unresolved: list[UnresolvedHandle] = []
        trouble: RequestFailure | None = None
        for asked in dict.fromkeys(names):
            said = await self._resolved(asked, now)
            if isinstance(said, ResolvedHandle):
                found.append(said)
            elif isinstance(said, UnresolvedHandle):
                unresolved.append(said)
            else:
                unresolved.append(UnresolvedHandle(asked, UnresolvedReason.NO_ANSWER, said.detail))
                trouble = said
        return Resolution(tuple(found), tuple(unresolved), trouble)

    async def candidates(self, place: str, now: datetime) -> tuple[CanaryCandidate, ...]:  # noqa: ARG002
        """See `Collector`. Without a place: channels."""
        return _STABLE[place or _CHANNELS]

    async def _resolved(
        self, asked: str, now: datetime
    ) -> ResolvedHandle | UnresolvedHandle | RequestFailure:
        name = asked.removeprefix("@")
        if (video := video_of(name)) is not None:
            return ResolvedHandle(asked, name, video)
        is_id = DECLARATION.is_native_id(name)
        if not is_id and not DECLARATION.is_handle(name):
            return UnresolvedHandle(asked, UnresolvedReason.NOT_A_HANDLE, "not a handle of YouTube")
        said = await self._channel(("id", name) if is_id else ("forHandle", f"@{name}"), now)
        if isinstance(said, RequestFailure):
            return said
        if said is not None:
            return ResolvedHandle(asked, said[0], said[1] or name)
        detail = "no such channel; write video:ID for a video"
        return UnresolvedHandle(asked, UnresolvedReason.NOT_FOUND, detail)

    async def _channel(self, by: tuple[str, str], now: datetime) -> tuple[str, str] | RequestFailure | None:
        """Ask for one channel. See `read_resolved`."""
        request = self._get(_CHANNELS, [("part", "id,snippet"), by], f"{by[0]}=…")
        said = await self.asked(request, now)
        if isinstance(said, RequestFailure):
            return said
        if isinstance(said, WireFault):
            return self.trouble(said, NOT_STATED, now)
        exchange, window = said
        resolved = read_resolved(exchange.http_status, exchange.body)
        return self.trouble(resolved, window, now) if isinstance(resolved, WireFault) else resolved

    def _get(self, place: str, params: Sequence[tuple[str, str]], asked: str) -> BatchRequest:
        url = f"{self._base_url}/youtube/v3/{place}"
        return BatchRequest(url, params, f"{url}?{params[0][0]}={params[0][1]}&{asked}", self._headers)
