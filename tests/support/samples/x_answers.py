"""Answers of X, recorded ones and parts that tests put together, and true histories of its accounts."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from collectors.simulator.history import History, settled
from collectors.x.declaration import X
from storage.model.core.availability import State, Status
from tests.support.samples.readings import T0

_RECORDED = Path(__file__).parent.parent.parent / "fixtures" / "x"


AT = datetime(2021, 2, 1, 12, 0, tzinfo=UTC)


ID, OTHER = "481186914", "2244994945"


USER: Mapping[str, Any] = {"id": ID, "name": "n", "username": "Somebody", "protected": False}


ERROR: Mapping[str, Any] = {
    "value": ID,
    "detail": f"User has been suspended: [{ID}].",
    "title": "Forbidden",
    "resource_type": "user",
    "parameter": "ids",
    "resource_id": ID,
    "type": "https://api.x.com/2/problems/resource-not-found",
}


MISSING = {**ERROR, "title": "Not Found Error", "detail": f"Could not find user with ids: [{ID}]."}


POST_ID = "1346889436626259968"


AUTHOR: Mapping[str, Any] = {"id": OTHER, "name": "n", "username": "Somebody", "protected": False}


POST: Mapping[str, Any] = {
    "id": POST_ID,
    "text": "t",
    "author_id": OTHER,
    "edit_history_tweet_ids": [POST_ID],
}


MISSING_POST: Mapping[str, Any] = {
    "value": POST_ID,
    "detail": f"Could not find tweet with ids: [{POST_ID}].",
    "title": "Not Found Error",
    "resource_type": "tweet",
    "parameter": "ids",
    "resource_id": POST_ID,
    "type": "https://api.twitter.com/2/problems/resource-not-found",
}


UNAUTHORIZED_POST: Mapping[str, Any] = {
    "value": POST_ID,
    "detail": f"Sorry, you are not authorized to see the Tweet with ids: [{POST_ID}].",
    "title": "Authorization Error",
    "section": "data",
    "resource_type": "tweet",
    "parameter": "ids",
    "resource_id": POST_ID,
    "type": "https://api.twitter.com/2/problems/not-authorized-for-resource",
}


def recorded(name: str) -> bytes:
    """An answer as it was recorded from X."""
    return (_RECORDED / f"{name}.json").read_bytes()


def body(**parts: object) -> bytes:
    """An answer with these parts."""
    return json.dumps(parts).encode()


def posts_body(*posts: Mapping[str, Any], authors: Sequence[Mapping[str, Any]] = (AUTHOR,)) -> bytes:
    """An answer with these posts and their authors."""
    return body(data=posts, includes={"users": authors})


def recorded_json(name: str) -> Any:
    """A recorded answer, parsed."""
    return json.loads(recorded(name))


HOUR = timedelta(hours=1)


STATES = [
    State(Status.AVAILABLE),
    State(Status.SUSPENDED),
    State(Status.WITHHELD, ("IN",)),
    State(Status.AVAILABLE),
    State(Status.DEACTIVATED),
    State(Status.PROTECTED),
    State(Status.WITHHELD, ("IN", "TR")),
    State(Status.NOT_FOUND),
]
"""Account i of the crowd begins with the i-th of these and goes on to the next one every hour."""


CROWD = History(
    tuple(
        settled(
            X,
            str(1000 + i),
            [(T0 + n * HOUR, STATES[(i + n) % len(STATES)], f"name_{i}") for n in range(12)],
        )
        for i in range(60)
    )
)


def one(native_id: str, handle: str, status: Status, *countries: str) -> History:
    """A history of one account that never changes."""
    return History((settled(X, native_id, [(T0, State(status, countries), handle)]),))
