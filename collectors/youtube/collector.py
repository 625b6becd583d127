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
"""The ends of the two addresses that are asked, and the names of the places, which are stored and shown."""
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
"""YouTube's own channels, its first video, and the one in the examples of its reference."""


_LAG = timedelta(minutes=2)
"""After midnight, so that a clock that is a little wrong does not ask too early."""
_AGAIN = timedelta(hours=1)
"""Somebody may have been granted more units, or have set another key."""


def units_return_at(now: datetime) -> datetime:
    """When to ask again if the units of the day are used up: once per hour, and shortly after midnight
    Pacific Time, when they come back.
    """
    tomorrow = now.astimezone(_PACIFIC).date() + timedelta(days=1)
    midnight = datetime.combine(tomorrow, time(), _PACIFIC).astimezone(UTC)
    return min(midnight + _LAG, now + _AGAIN)


class YouTubeCollector(BatchCollector):
    """See `Collector`. Channels and videos are asked for apart, so each kind is a place of its own."""

    platform = YOUTUBE

    def __init__(self, key: str, base_url: str, http: HttpOptions) -> None:
        super().__init__(base_url, http)
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
        """See `units_return_at`."""
        is_capped = trouble.reason is MissedReason.USAGE_CAPPED
        return replace(trouble, retry_at=units_return_at(now)) if is_capped else trouble

    async def resolve(self, names: Sequence[str], now: datetime) -> Resolution:
        """The channels of handles and ids, one request each. An id of a video is returned without a request:
        nothing checks that the video exists.
        """
        found: list[ResolvedHandle] = []
        unresolved: list[UnresolvedHandle] = []
        trouble: RequestFailure | None = None
        for asked in dict.fromkeys(names):
            name = asked.removeprefix("@")
            video, is_id = video_of(name), DECLARATION.is_native_id(name)
            if video is not None:
                found.append(ResolvedHandle(asked, name, video))
                continue
            if not is_id and not DECLARATION.is_handle(name):
                why = UnresolvedReason.NOT_A_HANDLE
                unresolved.append(UnresolvedHandle(asked, why, "not a handle of YouTube"))
                continue
            said = await self._channel(("id", name) if is_id else ("forHandle", f"@{name}"), now)
            if isinstance(said, tuple):
                found.append(ResolvedHandle(asked, said[0], said[1] or name))
            elif said is None:
                why = UnresolvedReason.NOT_FOUND
                is_like_video = video_of(f"video:{name}") is not None
                detail = "there is no such channel" + (f"; a video is video:{name}" if is_like_video else "")
                unresolved.append(UnresolvedHandle(asked, why, detail))
            else:
                unresolved.append(UnresolvedHandle(asked, UnresolvedReason.NO_ANSWER, said.detail))
                trouble = said
        return Resolution(tuple(found), tuple(unresolved), trouble)

    async def candidates(self, place: str, now: datetime) -> tuple[CanaryCandidate, ...]:  # noqa: ARG002
        """See `Collector`. Without a place: channels."""
        return _STABLE[place or _CHANNELS]

    async def _channel(self, by: tuple[str, str], now: datetime) -> tuple[str, str] | RequestFailure | None:
        """Id and handle of a channel, the handle empty if it has none; None if there is no such channel."""
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
