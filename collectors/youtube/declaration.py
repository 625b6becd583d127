"""What YouTube declares about itself. Documented at developers.google.com/youtube/v3, as of November 2026,
where nothing else is said.
"""

import re
from collections.abc import Collection
from datetime import timedelta
from urllib.parse import SplitResult, parse_qs

from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag, MissedReason, Status
from storage.model.core.signals import NotObservable, SignalKind
from storage.model.platforms.declaration import (
    NamedAccount,
    PageAddress,
    PlatformDeclaration,
    RequestLimit,
    StateWording,
    Terms,
    Unknown,
)

YOUTUBE = Platform("youtube")
UNITS_A_DAY = 10_000
"""What a project may use unless Google grants more. Each request here costs one unit."""
BURST = 100
"""Requests at once after a rest: a sweep of 5,000 accounts."""

_CHANNEL = re.compile(r"UC[A-Za-z0-9_-]{22}")
_VIDEO = re.compile(r"[A-Za-z0-9_-]{11}")
_VIDEO_ID = re.compile(rf"video:({_VIDEO.pattern})")
_VIDEO_PAGES = frozenset({"embed", "live", "shorts", "v"})
_SHORT = "youtu.be"


def video_of(native_id: str) -> str | None:
    """YouTube's own id of a video; None if it is a channel."""
    match = _VIDEO_ID.fullmatch(native_id)
    return None if match is None else match[1]


class YouTubeDeclaration(PlatformDeclaration):
    name = "YouTube"
    id_example = "UC_x5XG1OV2P6uZZ5FSM9Ttw"
    handle_example = "GoogleDevelopers"
    handle_form = re.compile(r"[\w.·-]{3,30}")
    """Letters of many scripts (support.google.com/youtube/answer/11585688). A video's handle is its id."""
    sites = frozenset(
        {"youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com", "www.youtube-nocookie.com"}
        | {_SHORT}
    )
    ids_name_the_platform = False
    handles_name_the_platform = False
    id_may_stand_for_handle = True

    def is_native_id(self, text: str) -> bool:
        """A channel by YouTube's own id, or `video:` and the id of a video."""
        return _CHANNEL.fullmatch(text) is not None or _VIDEO_ID.fullmatch(text) is not None

    def named_on_page(self, page: PageAddress) -> NamedAccount | None:
        """`/watch?v=…` and its short forms, `/channel/…`, `/@handle`. Not `/c/…` and `/user/…`, older names
        that are no handles.
        """
        first, second = (*page.path, "")[:2]
        video = parse_qs(page.query, max_num_fields=20).get("v", [""])[0] if first == "watch" else ""
        if page.host == _SHORT:
            video = first
        elif first in _VIDEO_PAGES:
            video = second
        if video:
            return NamedAccount(f"video:{video}", is_id=True) if _VIDEO.fullmatch(video) else None
        if first == "channel" and _CHANNEL.fullmatch(second):
            return NamedAccount(second, is_id=True)
        handle = first.removeprefix("@")
        return NamedAccount(handle) if first.startswith("@") and self.is_handle(handle) else None

    # It says of countries for videos only, and of the end of a channel nothing but that it is not there.
    statuses = frozenset(
        {Status.AVAILABLE, Status.WITHHELD, Status.PROTECTED, Status.SUSPENDED, Status.NOT_FOUND}
    )
    not_observable = tuple(
        NotObservable(kind, "not observable", "YouTube shows nobody's likes, comments or subscriptions here.")
        for kind in SignalKind
    )

    terms = Terms(
        batch=50,
        cpu_s_per_request=0.0014,
        memory_per_account=1_530,
        limit=RequestLimit(
            UNITS_A_DAY,
            timedelta(days=1),
            "a project",
            "YouTube Data API Overview, quota usage; the day ends at midnight Pacific Time",
        ),
        own_pace_s=(UNITS_A_DAY - BURST) / 86_400,
        more_with="projects",
    )
    counts_by_key = True

    def counted_as(self, url: SplitResult) -> str:
        """All requests together."""
        return url.netloc

    group_words = {Status.SUSPENDED: "removed by YouTube"}
    absent_words = "renamed, deleted, terminated or never existed"
    missed_words = {MissedReason.USAGE_CAPPED: "the units of the day are used up"}
    to_do = {
        MissedReason.AUTH: "Make a new API key in the Google Cloud console, set the setting youtube_api_key "
        "to it, and restart the command “blockline run”.",
        MissedReason.ACCESS: "Enable the YouTube Data API v3 for the project of the key in the Google Cloud "
        "console, and let the key be used for it from this machine's address.",
        MissedReason.USAGE_CAPPED: "The units come back at midnight Pacific Time. Do not use the key for "
        "anything else, watch fewer accounts, or ask Google for more units.",
    }
    address_settings = ("youtube_base_url",)
    unknown = (
        Unknown(
            "Who chose the countries, and why: YouTube does not say. It may be the holder of the rights to "
            "the video. Whether blocks by order of an authority are in its list is not documented.",
            Status.WITHHELD,
        ),
        Unknown(
            "Why it is not found: YouTube answers alike for what it removed and for what its owner deleted "
            "or made private.",
            Status.NOT_FOUND,
        ),
    )

    def suspended(self, flags: Collection[Flag] | None) -> StateWording:
        return StateWording("removed by YouTube")

    def not_found(self, flags: Collection[Flag] | None) -> StateWording:
        return StateWording("not found", ": YouTube does not say whether it or the owner took it away")


DECLARATION = YouTubeDeclaration()
