"""Answers of Mastodon servers, recorded and written by hand, and true histories of their accounts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from collectors.mastodon.declaration import MASTODON
from collectors.mastodon.wire.identity import MastodonIdentity, MastodonPostIdentity
from collectors.simulator.history import History, settled
from storage.model.core.availability import State, Status
from tests.support.samples.readings import T0

_FOLDER = Path(__file__).parent.parent.parent / "fixtures" / "mastodon"


AT = datetime(2021, 2, 1, 12, 0, tzinfo=UTC)


ALICE = MastodonIdentity("https://mastodon.example/users/alice", "109876543210987654")


POST = MastodonPostIdentity.at("https://mastodon.example", "alice", "109")
"""A post of hers."""


ALAN = MastodonIdentity("https://mastodon.example/@alan", "1795527210909")


GRACE = MastodonIdentity("https://mastodon.example/@grace", "1795527210907")


SNAC = MastodonIdentity("https://snac.example/alice", "5314e067c090e8f28be89a0a55e2c41d")


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer as a server sends it."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def sample(name: str) -> Sample:
    """An answer of the folder of fixtures."""
    response: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text())["response"]
    text = response.get("body_text")
    body = json.dumps(response["body"]) if text is None else str(text)
    return Sample(int(response["status"]), dict(response["headers"]), body.encode())


def sample_json(name: str) -> Any:
    """The body of an answer, parsed."""
    return json.loads(sample(name).body)


def account(who: MastodonIdentity = ALICE, **parts: object) -> dict[str, Any]:
    """An account as the REST API of its home server sends it, with these parts."""
    plain: dict[str, Any] = sample_json("account__plain")
    name = who.username or "alice"
    named = {"id": who.local_id, "uri": who.actor, "username": name, "acct": name}
    return plain | {"url": f"{who.server}/@{name}"} | named | parts


def post(who: MastodonPostIdentity = POST, **parts: object) -> dict[str, Any]:
    """A post as the REST API of its author's server sends it, with these parts."""
    author = account(MastodonIdentity(f"{who.server}/users/{who.name}", ALICE.local_id))
    plain: dict[str, Any] = {
        "id": who.local_id,
        "uri": f"{who.server}/users/{who.name}/statuses/{who.local_id}",
        "url": who.native_id,
        "created_at": "2021-01-31T12:00:00.000Z",
        "edited_at": None,
        "visibility": "public",
        "spoiler_text": "",
        "content": "<p>Words.</p>",
        "reblog": None,
        "account": author,
    }
    return plain | parts


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


HOUR = timedelta(hours=1)


HOST, OTHER_HOST = "mastodon.example", "social.example"


STATES = [
    State(Status.AVAILABLE),
    State(Status.SUSPENDED),
    State(Status.WITHHELD, ("IN",)),
    State(Status.PROTECTED),
    State(Status.NOT_FOUND),
    State(Status.DEACTIVATED),
]
"""Account i of the town begins with the i-th of these and goes on to the next one every hour."""


def native_id(number: int, host: str = HOST) -> str:
    return f"https://{host}/users/name_{number}#{1000 + number}"


TOWN = History(
    tuple(
        settled(
            MASTODON,
            native_id(i, host),
            [(T0 + n * HOUR, STATES[(i + n) % len(STATES)], f"name_{i}@{host}") for n in range(12)],
        )
        for host in (HOST, OTHER_HOST)
        for i in range(20)
    )
)


def one(status: Status) -> History:
    """Account 1 of the first host, which never changes."""
    return History((settled(MASTODON, native_id(1), [(T0, State(status), f"name_1@{HOST}")]),))
