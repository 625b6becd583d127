"""What the simulator of Bluesky offers to rehearsals, the demonstration and `blockline simulate`."""

import re
from base64 import b32encode
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from urllib.parse import quote

from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.simulator.app import serve_bluesky
from collectors.bluesky.simulator.world import observable
from collectors.bluesky.wire.regional_labelers import SHIPPED_REGIONS
from collectors.simulator.canaries import canary
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.faults import FaultPlan
from collectors.simulator.history import History, HistoryAccount
from collectors.simulator.platform_simulator import HandleRules, PlatformSimulator, RunningSimulator
from storage.model.core.availability import State, Status

BLUESKY_CANARIES = (
    canary(BLUESKY, "did:plc:blocklinestable222222222", "stable-1.blockline.test", Status.AVAILABLE),
    canary(BLUESKY, "did:plc:blocklinestable333333333", "stable-2.blockline.test", Status.AVAILABLE),
    canary(BLUESKY, "did:plc:blocklinetakendown222222", "taken-down.blockline.test", Status.SUSPENDED),
)


class BlueskySimulator(PlatformSimulator):
    platform = BLUESKY
    handle_rules = HandleRules(re.compile(r"[^a-z0-9-]"), "-", 63, ending=".test", is_lower=True)
    calls = (
        "GET /xrpc/app.bsky.actor.getProfiles       up to 25 accounts; labels for atproto-accept-labelers",
        "GET /xrpc/app.bsky.actor.getProfile        one account, or why it is not shown",
        "GET /xrpc/app.bsky.graph.getRelationships  which of the given accounts an account follows",
        "GET /xrpc/com.atproto.identity.resolveHandle",
        "GET /xrpc/com.atproto.sync.getRepoStatus   the status of the account on its server",
        "GET /xrpc/com.atproto.repo.listRecords     likes, reposts, follows, posts",
        "GET /xrpc/com.atproto.label.queryLabels    labels of the country labelers",
        "GET /:did and /:did/log/audit              the directory of DIDs",
        "WS  /subscribe                             account and identity events, as Jetstream sends them",
    )

    def serve(
        self, history: History, acts: Sequence[SimulatedAct], faults: FaultPlan, now: datetime, port: int
    ) -> AbstractAsyncContextManager[RunningSimulator]:
        return serve_bluesky(history, faults=faults, now=now, port=port)

    def canaries(self, history: History) -> tuple[HistoryAccount, ...]:
        return BLUESKY_CANARIES

    def observable(self, state: State) -> State:
        return observable(state, SHIPPED_REGIONS)

    def made_up_id(self, digest: bytes) -> str:
        return "did:plc:" + b32encode(digest[:15]).decode().lower()

    def made_up_handle(self, native_id: str) -> str:
        return f"{native_id.split(':')[2].partition('%')[0]}.test"

    def notes(self, accounts: Sequence[HistoryAccount]) -> list[str]:
        return ["  without a key; one address for the app view, the accounts' server, labelers and directory"]

    def example(self, address: str, account: HistoryAccount) -> str:
        return f"curl '{address}/xrpc/app.bsky.actor.getProfile?actor={quote(account.native_id)}'"


SIMULATOR = BlueskySimulator()
