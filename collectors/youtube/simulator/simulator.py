"""What the simulator of YouTube offers to rehearsals, the demonstration and `blockline simulate`."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from collectors.simulator.canaries import canary
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.faults import FaultPlan
from collectors.simulator.history import History, HistoryAccount, settled
from collectors.simulator.platform_simulator import HandleRules, PlatformSimulator, RunningSimulator
from collectors.simulator.server import served
from collectors.youtube.declaration import YOUTUBE, video_of
from collectors.youtube.simulator.answers import YouTubeAnswers
from storage.model.core.availability import Status

_CHANNEL_CANARIES = (
    canary(YOUTUBE, "UCblockline_stable_1____", "stable-1", Status.AVAILABLE),
    canary(YOUTUBE, "UCblockline_stable_2____", "stable-2", Status.AVAILABLE),
    canary(YOUTUBE, "UCblockline_private_____", "private", Status.PROTECTED),
)
_VIDEO_CANARIES = (
    canary(YOUTUBE, "video:b-stable-01", "b-stable-01", Status.AVAILABLE),
    canary(YOUTUBE, "video:b-stable-02", "b-stable-02", Status.AVAILABLE),
    canary(YOUTUBE, "video:b-rejected1", "b-rejected1", Status.SUSPENDED),
)


class YouTubeSimulator(PlatformSimulator):
    """Accounts of other platforms are played as videos, since of channels YouTube shows no countries."""

    platform = YOUTUBE
    handle_rules = HandleRules(re.compile(r"[^\w.-]"), "-", 30)
    calls = (
        "GET /youtube/v3/channels?id=…           up to 50 channels",
        "GET /youtube/v3/channels?forHandle=@…   one channel",
        "GET /youtube/v3/videos?id=…             up to 50 videos",
    )

    def serve(
        self, history: History, acts: Sequence[SimulatedAct], faults: FaultPlan, now: datetime, port: int
    ) -> AbstractAsyncContextManager[RunningSimulator]:
        accounts = [account for account in history.accounts if account.platform is YOUTUBE]
        return served(YouTubeAnswers(accounts, faults, now), port=port)

    def canaries(self, history: History) -> tuple[HistoryAccount, ...]:
        """Channels and videos have their own. No channel is shown as suspended: their third is private."""
        ours = [account.native_id for account in history.accounts if account.platform is YOUTUBE]
        channels = _CHANNEL_CANARIES if any(video_of(native_id) is None for native_id in ours) else ()
        return (*channels, *(_VIDEO_CANARIES if any(map(video_of, ours)) else ()))

    def made_up_id(self, digest: bytes) -> str:
        return "video:" + urlsafe_b64encode(digest[:9]).decode()[:11]

    def made_up_handle(self, native_id: str) -> str:
        return video_of(native_id) or f"channel-{native_id[2:10]}"

    def recast(self, account: HistoryAccount, digest: bytes, taken: set[str]) -> HistoryAccount:
        """A video, whose handle is its id."""
        native_id = self.made_up_id(digest)
        handle = self.made_up_handle(native_id)
        seen = [(at, state, handle) for at, state in zip(account.times, account.states, strict=True)]
        return settled(YOUTUBE, native_id, seen, account.lists)

    def notes(self, accounts: Sequence[HistoryAccount]) -> list[str]:
        return ["  any key is accepted"]

    def example(self, address: str, account: HistoryAccount) -> str:
        video = video_of(account.native_id)
        place = "channels?part=snippet,status" if video is None else "videos?part=contentDetails,status"
        return f"curl '{address}/youtube/v3/{place}&id={video or account.native_id}'"


SIMULATOR = YouTubeSimulator()
