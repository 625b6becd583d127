"""What the simulator of Mastodon offers to rehearsals, the demonstration and `blockline simulate`."""

import re
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Final

from collectors.mastodon.declaration import MASTODON
from collectors.mastodon.simulator.app import serve_mastodon
from collectors.mastodon.simulator.ids import actor_of
from collectors.mastodon.wire.identity import MastodonPostIdentity
from collectors.simulator.canaries import canary
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.faults import FaultPlan
from collectors.simulator.history import History, HistoryAccount, settled
from collectors.simulator.platform_simulator import (
    HandleRules,
    PlatformSimulator,
    RunningSimulator,
    number_of,
)
from storage.model.core.availability import Status
from storage.model.platforms.registry import DECLARED

HOSTS: Final = ("mastodon.example", "social.example")
"""The servers among which accounts of other platforms are spread."""

_POSTS_OF_EACH_SERVER: Final = (
    ("101", "blockline_stable_1", Status.AVAILABLE),
    ("102", "blockline_stable_1", Status.AVAILABLE),
    ("103", "blockline_suspended", Status.SUSPENDED),
)
_OF_EACH_SERVER: Final = (
    ("1", "blockline_stable_1", Status.AVAILABLE),
    ("2", "blockline_stable_2", Status.AVAILABLE),
    ("3", "blockline_suspended", Status.SUSPENDED),
)


class MastodonSimulator(PlatformSimulator):
    platform = MASTODON
    handle_rules = HandleRules(re.compile(r"[^A-Za-z0-9_]"), "_", 30)
    calls = (
        "GET /api/v1/accounts?id[]=…                 up to 40 accounts",
        "GET /api/v1/accounts/:id, /lookup?acct=…    one account",
        "GET /api/v1/accounts/:id/statuses           its posts, in pages",
        "GET /api/v1/statuses?id[]=…                 up to 20 posts",
        "GET /api/v1/statuses/:id                    one post",
        "GET /@:name/:id                             its page (Accept: application/activity+json)",
        "GET /api/v1/statuses/:id/favourited_by      who favourited a post",
        "GET /users/:name                            the actor document (Accept: application/activity+json)",
        "GET /.well-known/webfinger?resource=…",
        "GET /api/v2/instance, /api/v1/instance/domain_blocks",
    )

    def serve(
        self, history: History, acts: Sequence[SimulatedAct], faults: FaultPlan, now: datetime, port: int
    ) -> AbstractAsyncContextManager[RunningSimulator]:
        return serve_mastodon(history, faults=faults, now=now, port=port)

    def canaries(self, history: History) -> tuple[HistoryAccount, ...]:
        """Each server that holds an account of the history has its own, since it answers for itself alone; so
        has each that holds a post.
        """
        ours = [a.native_id for a in history.accounts if a.platform is MASTODON]
        posts = [post for post in map(MastodonPostIdentity.of, ours) if post is not None]
        actors = [actor_of(native_id) for native_id in ours if MastodonPostIdentity.of(native_id) is None]
        of_accounts = (
            canary(MASTODON, f"{origin}/users/{name}#{local_id}", f"{name}@{host}", status)
            for host, origin in {actor.host: actor.origin for actor in actors}.items()
            for local_id, name, status in _OF_EACH_SERVER
        )
        of_posts = (
            canary(MASTODON, f"{server}/@{name}/{local_id}", f"{name}@{host}/{local_id}", status)
            for host, server in {post.host: post.server for post in posts}.items()
            for local_id, name, status in _POSTS_OF_EACH_SERVER
        )
        return (*of_accounts, *of_posts)

    def made_up_id(self, digest: bytes) -> str:
        return number_of(digest)

    def made_up_handle(self, native_id: str) -> str:
        post = MastodonPostIdentity.of(native_id)
        if post is not None:
            return f"{post.name}@{post.host}/{post.local_id}"
        actor = actor_of(native_id)
        return f"acct_{actor.local_id}@{actor.host}"

    def recast(self, account: HistoryAccount, digest: bytes, taken: set[str]) -> HistoryAccount:
        """A name on Mastodon is part of the account's address and lasts: the first one is kept.

        A post becomes one of an author of its own, so that one that is suspended takes no other with it.
        """
        is_post = DECLARED[account.platform].is_post(account.native_id)
        first = account.handles[0].rpartition("/")[0] or account.handles[0] if is_post else account.handles[0]
        name = self.name_of(first, account.platform, digest)
        if name.lower() in taken:
            name = self.marked(name, digest)
        taken.add(name.lower())
        host, local_id = HOSTS[digest[0] % len(HOSTS)], self.made_up_id(digest)
        native_id, handle = f"https://{host}/users/{name}#{local_id}", f"{name}@{host}"
        if is_post:
            native_id, handle = f"https://{host}/@{name}/{local_id}", f"{handle}/{local_id}"
        seen = [(at, state, handle) for at, state in zip(account.times, account.states, strict=True)]
        return settled(MASTODON, native_id, seen, account.lists)

    def notes(self, accounts: Sequence[HistoryAccount]) -> list[str]:
        hosts = dict.fromkeys(actor_of(account.native_id).host for account in accounts)
        return [f"  without a key; the header Host names the server: {', '.join(hosts)}"]

    def example(self, address: str, account: HistoryAccount) -> str:
        post = MastodonPostIdentity.of(account.native_id)
        if post is not None:
            return f"curl -H 'Host: {post.host}' {address}/api/v1/statuses/{post.local_id}"
        actor = actor_of(account.native_id)
        return f"curl -H 'Host: {actor.host}' {address}/api/v1/accounts/{actor.local_id}"


SIMULATOR = MastodonSimulator()
