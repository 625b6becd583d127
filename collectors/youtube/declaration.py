"""What YouTube declares about itself. Documented at developers.google.com/youtube/v3, as of November 2026,
where nothing else is said.
"""

import re
from collections.abc import Collection
from datetime import timedelta
from unicodedata import category, normalize
from urllib.parse import SplitResult, parse_qs

from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag, MissedReason, Status
from storage.model.core.signals import NotObservable, SignalKind
from storage.model.evidence.decisive import Decisive
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
"""Requests at once after a rest: a sweep of 4,800 accounts with their control accounts."""
PACE_S = (0.95 * UNITS_A_DAY - BURST) / 86_400
"""Requests per second. A burst and a day at this pace leave a twentieth of the units to commands that look up
handles or check accounts.
"""

_CHANNEL = re.compile(r"UC[A-Za-z0-9_-]{22}")
_VIDEO = re.compile(r"[A-Za-z0-9_-]{11}")
_VIDEO_ID = re.compile(rf"video:({_VIDEO.pattern})")
_VIDEO_PAGES = frozenset({"embed", "live", "shorts", "v"})
_SHORT = "youtu.be"
_PUNCTUATION = "_-.·\u200c\u200d"
_SHORTEST = 3
"""Characters of a handle in ASCII."""


def video_of(native_id: str) -> str | None:
    """YouTube's own id of a video; None if it is a channel."""
    match = _VIDEO_ID.fullmatch(native_id)
    return None if match is None else match[1]


class YouTubeDeclaration(PlatformDeclaration):
    name = "YouTube"
    id_example = "UC_x5XG1OV2P6uZZ5FSM9Ttw"
    handle_example = "GoogleDevelopers"
    handle_form = re.compile(r"[^\s@/]{1,30}")
    """See `is_handle`. The handle of a video is its id."""
    sites = frozenset(
        {f"{before}youtube.com" for before in ("", "www.", "m.", "music.", "gaming.")}
        | {_SHORT, f"www.{_SHORT}", "www.youtube-nocookie.com"}
    )
    measured_domains = ("www.youtube.com",)
    ids_name_the_platform = False
    handles_name_the_platform = False
    id_may_stand_for_handle = True
    post_id_example = "video:jNQXAC9IVRw"

    def is_native_id(self, text: str) -> bool:
        """A channel by YouTube's own id, or `video:` and the id of a video."""
        return _CHANNEL.fullmatch(text) is not None or _VIDEO_ID.fullmatch(text) is not None

    def is_post(self, native_id: str) -> bool:
        """Whether an id is that of a video."""
        return video_of(native_id) is not None

    def is_post_handle(self, text: str) -> bool:
        """The handle of a video is its id."""
        return _VIDEO.fullmatch(text) is not None

    def is_handle(self, text: str) -> bool:
        """Letters with their marks, digits and joiners of any script, and between them `_-.·`. YouTube may
        refuse some (support.google.com/youtube/answer/11585688).
        """
        if _VIDEO.fullmatch(text):
            return True  # the handle of a video
        if not super().is_handle(text) or (text.isascii() and len(text) < _SHORTEST):
            return False
        is_fit = all(c in _PUNCTUATION or category(c) == "Nd" or category(c)[0] in "LM" for c in text)
        return is_fit and text == text.strip(_PUNCTUATION)

    def usual_handle(self, handle: str) -> str:
        """With letters and their marks composed as far as they go."""
        return normalize("NFC", handle)

    def named_by_uri(self, text: str) -> NamedAccount | None:
        """`video:…`, which is an id and no handle."""
        return NamedAccount(text, is_id=True) if video_of(text) is not None else None

    def named_on_page(self, page: PageAddress) -> NamedAccount | None:
        """`/watch?v=…` and its short forms, `/channel/…`, `/@handle`. Not `/c/…` and `/user/…`, older names
        that are no handles.
        """
        first, second = (*page.path, "")[:2]
        video = parse_qs(page.query, max_num_fields=20).get("v", [""])[0] if first == "watch" else ""
        if page.host.removeprefix("www.") == _SHORT:
            video = first
        elif first in _VIDEO_PAGES:
            video = second
        if video:
            return NamedAccount(f"video:{video}", is_id=True) if _VIDEO.fullmatch(video) else None
        if first == "channel" and _CHANNEL.fullmatch(second):
            return NamedAccount(second, is_id=True)
        handle = first.removeprefix("@")
        return NamedAccount(handle) if first.startswith("@") and self.is_handle(handle) else None

    def profile_address(self, native_id: str, handle: str) -> str | None:
        video = video_of(native_id)
        if video is not None:
            return f"https://www.youtube.com/watch?v={video}"
        return f"https://www.youtube.com/channel/{native_id}"

    # Only videos have countries. A channel that is gone is merely left out.
    statuses = frozenset(
        {Status.AVAILABLE, Status.WITHHELD, Status.PROTECTED, Status.SUSPENDED, Status.NOT_FOUND}
    )
    post_statuses = statuses
    decisive = Decisive(
        frozenset({"uploadStatus", "privacyStatus", "rejectionReason", "regionRestriction", "in_answer"}),
        {"definition": "regionRestriction"},
    )
    not_observable = tuple(
        NotObservable(kind, "not collected", "What an executive does on YouTube is not collected.")
        for kind in SignalKind
    )

    terms = Terms(
        batch=50,
        cpu_s_per_request=0.0014,
        memory_per_account=1_000,
        limit=RequestLimit(
            UNITS_A_DAY,
            timedelta(days=1),
            "a project",
            "YouTube Data API, Quota and Compliance Audits; the day ends at midnight Pacific Time",
        ),
        own_pace_s=PACE_S,
        more_with="daily quotas",
    )
    counts_by_key = True

    def counted_as(self, url: SplitResult) -> str:
        """All requests share one limit."""
        return url.netloc

    group_words = {Status.SUSPENDED: "rejected by YouTube"}
    absent_words = "renamed, deleted, terminated or never existed"
    missed_words = {MissedReason.USAGE_CAPPED: "the units of the day are used up"}
    to_do = {
        MissedReason.AUTH: "Make a new API key in the Google Cloud console, set the setting youtube_api_key "
        "to it, and restart the command “blockline run”.",
        MissedReason.ACCESS: "Enable the YouTube Data API v3 for the project of the key in the Google Cloud "
        "console, and let the key be used for it from this machine's address.",
        MissedReason.USAGE_CAPPED: "The units come back at midnight Pacific Time. Do not use the project "
        "of the key for anything else, watch fewer accounts, or ask Google for a larger quota.",
    }
    address_settings = ("youtube_base_url",)
    unknown = (
        Unknown(
            "Who chose the countries, and why: YouTube does not say. It may be the holder of the rights to "
            "the video. Whether blocks by order of an authority are in its list is not documented.",
            Status.WITHHELD,
        ),
        Unknown(
            "Why it is not found: YouTube does not say whether it was removed, deleted, made private or "
            "never existed.",
            Status.NOT_FOUND,
        ),
    )

    def suspended(self, flags: Collection[Flag] | None) -> StateWording:
        return StateWording("rejected by YouTube")

    def not_found(self, flags: Collection[Flag] | None) -> StateWording:
        return StateWording("not found", ": YouTube does not say why")


DECLARATION = YouTubeDeclaration()
