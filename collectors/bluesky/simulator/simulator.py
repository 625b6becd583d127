"""What the simulator of Bluesky offers to rehearsals, the demonstration and `blockline simulate`."""

import re
from base64 import b32encode
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from hashlib import blake2b
from urllib.parse import quote

from collectors.bluesky.declaration import BLUESKY, post_of
from collectors.bluesky.simulator.app import serve_bluesky
from collectors.bluesky.simulator.world import observable
from collectors.bluesky.wire.regional_labelers import SHIPPED_REGIONS
from collectors.simulator.canaries import canary
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.faults import FaultPlan
from collectors.simulator.history import WITH_AUTHOR, History, HistoryAccount, settled
from collectors.simulator.platform_simulator import HandleRules, PlatformSimulator, RunningSimulator
from storage.model.core.availability import State, Status
from storage.model.platforms.registry import DECLARED

BLUESKY_CANARIES = (
    canary(BLUESKY, "did:plc:blocklinestable222222222", "stable-1.blockline.test", Status.AVAILABLE),
    canary(BLUESKY, "did:plc:blocklinestable333333333", "stable-2.blockline.test", Status.AVAILABLE),
    canary(BLUESKY, "did:plc:blocklinetakendown222222", "taken-down.blockline.test", Status.SUSPENDED),
)
POST_CANARIES = tuple(
    canary(BLUESKY, f"at://{author.native_id}/app.bsky.feed.post/{key}", f"{author.handles[0]}/{key}", status)
    for author, key, status in (
        (BLUESKY_CANARIES[0], "3kblockline22", Status.AVAILABLE),
        (BLUESKY_CANARIES[1], "3kblockline23", Status.AVAILABLE),
        (BLUESKY_CANARIES[1], "3kblockline24", Status.SUSPENDED),
    )
)


class BlueskySimulator(PlatformSimulator):
    platform = BLUESKY
    handle_rules = HandleRules(re.compile(r"[^a-z0-9-]"), "-", 63, ending=".test", is_lower=True)
    calls = (
        "GET /xrpc/app.bsky.feed.getPosts           up to 25 posts; labels for atproto-accept-labelers",
        "GET /xrpc/app.bsky.actor.getProfiles       up to 25 accounts; labels for atproto-accept-labelers",
        "GET /xrpc/app.bsky.actor.getProfile        one account, or why it is not shown",
        "GET /xrpc/app.bsky.graph.getRelationships  which of the given accounts an account follows",
        "GET /xrpc/com.atproto.identity.resolveHandle",
        "GET /xrpc/com.atproto.sync.getRepoStatus   the status of the account on its server",
        "GET /xrpc/com.atproto.repo.listRecords     likes, reposts, follows, posts",
        "GET /xrpc/com.atproto.repo.getRecord       one post, if the server of its author serves it",
        "GET /xrpc/com.atproto.sync.getRecord       whether the post is in the repository, as a CAR file",
        "GET /xrpc/com.atproto.label.queryLabels    labels of the country labelers",
        "GET /:did and /:did/log/audit              the directory of DIDs",
        "WS  /subscribe                             account and identity events, as Jetstream sends them",
    )

    def serve(
        self, history: History, acts: Sequence[SimulatedAct], faults: FaultPlan, now: datetime, port: int
    ) -> AbstractAsyncContextManager[RunningSimulator]:
        return serve_bluesky(history, faults=faults, now=now, port=port)

    def canaries(self, history: History) -> tuple[HistoryAccount, ...]:
        """Accounts and posts have their own."""
        ours = [account.native_id for account in history.accounts if account.platform is BLUESKY]
        posts = [native_id for native_id in ours if post_of(native_id) is not None]
        accounts = BLUESKY_CANARIES if len(posts) < len(ours) or not ours else ()
        return (*accounts, *(POST_CANARIES if posts else ()))

    def observable(self, state: State) -> State:
        return observable(state, SHIPPED_REGIONS)

    def made_up_id(self, digest: bytes) -> str:
        return "did:plc:" + b32encode(digest[:15]).decode().lower()

    def made_up_handle(self, native_id: str) -> str:
        did, key = post_of(native_id) or (native_id, "")
        handle = f"{did.split(':')[2].partition('%')[0]}.test"
        return f"{handle}/{key}" if key else handle

    def recast(self, account: HistoryAccount, digest: bytes, taken: set[str]) -> HistoryAccount:
        """A post stays a post if its handle names its author; all posts of one handle have one author."""
        authors = {handle: handle.rpartition("/")[0] for handle in account.handles}
        if not DECLARED[account.platform].is_post(account.native_id) or not all(authors.values()):
            return super().recast(account, digest, taken)
        first = f"{account.platform}|{authors[account.handles[0]].lower()}".encode()
        of_author = blake2b(first, digest_size=16).digest()
        key = b32encode(digest[:10]).decode().lower()[:13]
        names = {
            h: self.marked(self.name_of(a, account.platform, of_author), first) for h, a in authors.items()
        }
        seen = [
            (at, account.at(at), f"{names[account.handle_at(at)]}{self.handle_rules.ending}/{key}")
            for at in sorted({*account.times, *account.handle_times})
        ]
        details = {at: WITH_AUTHOR for at, _, _ in seen if account.detail_at(at) == WITH_AUTHOR}
        native_id = f"at://{self.made_up_id(of_author)}/app.bsky.feed.post/{key}"
        return settled(BLUESKY, native_id, seen, account.lists, details)

    def notes(self, accounts: Sequence[HistoryAccount]) -> list[str]:
        return ["  without a key; one address for the app view, the accounts' server, labelers and directory"]

    def example(self, address: str, account: HistoryAccount) -> str:
        is_post = post_of(account.native_id) is not None
        call = "app.bsky.feed.getPosts?uris" if is_post else "app.bsky.actor.getProfile?actor"
        return f"curl '{address}/xrpc/{call}={quote(account.native_id)}'"


SIMULATOR = BlueskySimulator()
