"""The cast of the recordings of Bluesky, the simulator that plays it, and requests to it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import aiohttp
from yarl import URL

from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.simulator.app import BlueskyServer
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.history import History, HistoryAccount, settled
from storage.model.core.availability import State, Status
from storage.model.core.signals import SignalKind
from tests.support.samples.readings import AVAILABLE, T0

HOUR = timedelta(hours=1)

ALICE, BOB = "did:plc:5q524mlvslhwwlcomnk7dzj4", "did:plc:veu6ruek67ynrsewpjqxskuy"
CAROL, DAVE = "did:plc:iu7agggvngljdw6q5vo46rgn", "did:plc:5r5fjdh24vf3q6jovjn6lg5l"
ERIN, FRANK = "did:plc:6mmlvnd5uedi5ozrhbjo6iqy", "did:plc:sdzdzpje4lfbqzp5p2t3pxas"
NAMES = {ALICE: "alice", BOB: "bob", CAROL: "carol", DAVE: "dave", ERIN: "erin", FRANK: "frank"}
MAIN, MODTR = "did:plc:hjfvb3zj6v6nw2fgwzgurmdq", "did:plc:nsbsoqexk44e5gozqz74fwrm"
POST = f"at://{ALICE}/app.bsky.feed.post/3n32rpia52s2j"
ACTS = (
    SimulatedAct(BOB, T0, SignalKind.LIKE, "3n32rpicq322j", POST, ALICE),
    SimulatedAct(BOB, T0, SignalKind.REPOST, "3n32rpifosc2j", POST, ALICE),
    SimulatedAct(BOB, T0, SignalKind.FOLLOW, "3n32rpiinjk2j", ALICE, ALICE),
    SimulatedAct(BOB, T0, SignalKind.FOLLOW, "3n32rpikttk2j", CAROL, CAROL),
    SimulatedAct(BOB, T0, SignalKind.REPLY, "3n32rpimwak2j", POST, ALICE),
    SimulatedAct(BOB, T0, SignalKind.QUOTE, "3n32rpionvs2j", POST, ALICE),
)

WITHHELD = State(Status.WITHHELD, ("TR",))
DEACTIVATED = State(Status.DEACTIVATED)
NOBODY: dict[str, State] = {}


def account(did: str, *states: State, detail: str = "") -> HistoryAccount:
    """An account that goes on to the next state every hour, all of them with one detail."""
    times = tuple(T0 + n * HOUR for n in range(len(states)))
    details = (detail,) * len(states) if detail else ()
    handles = (f"{NAMES.get(did, 'somebody')}.test",)
    return HistoryAccount(BLUESKY, did, times, states, (T0,), handles, (), details)


def cast(states: Mapping[str, State], detail: str = "") -> History:
    """The six accounts of the recordings: those named in their states, the others available."""
    renamed = settled(
        BLUESKY,
        FRANK,
        [(T0 - HOUR, AVAILABLE, "frank.test"), (T0, AVAILABLE, "frank-new.test")],
    )
    named = (account(did, state, detail=detail) for did, state in states.items())
    others = (account(did, AVAILABLE) for did in NAMES if did != FRANK and did not in states)
    return History((*named, *others, renamed))


async def asked(
    server: BlueskyServer, path: str, headers: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, str], Any]:
    """Status, headers and body of an answer; `path` holds the query as it is sent."""
    url = URL(server.base_url + path, encoded=True)
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status, response.headers, await response.json(content_type=None)


def profiles(*dids: str) -> str:
    return "/xrpc/app.bsky.actor.getProfiles?" + "&".join(f"actors={did}" for did in dids)


def profile(actor: str) -> str:
    return f"/xrpc/app.bsky.actor.getProfile?actor={actor}"


def repo_status(did: str) -> str:
    return f"/xrpc/com.atproto.sync.getRepoStatus?did={did}"
