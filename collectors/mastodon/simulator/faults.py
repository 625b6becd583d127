"""Pure: how the faults of a plan look on the wire of a Mastodon server.

Mastodon has no credits and no usage cap: CREDITS looks like FORBIDDEN, USAGE_CAPPED like a limit without a
reset. It has no tokens of pages, no protected accounts, no countries and no labelers: EXPIRED_PAGE,
NO_PROTECTED, ODD_WITHHELD, LABELER_SILENT and LABELS_DROPPED are no faults here. UNKNOWN_PATH is a server
older than 4.3, which answers for one account or post at a time only.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from collectors.mastodon.simulator.payloads import (
    HTML,
    HTML_TYPE,
    JSON_TYPE,
    RECORD_NOT_FOUND,
    TOO_MANY_REQUESTS,
    account,
    dumps,
    error,
    person_at,
    post,
)
from collectors.simulator.faults import FaultKind
from collectors.simulator.reply import SimulatedReply
from storage.model.core.availability import State, Status

_SIGN_IN: Final = "/auth/sign_in"
_STRANGER: Final = person_at("https://elsewhere.example/users/stranger#1")
STRANGE_ACCOUNT: Final = dumps(account(_STRANGER, "", State(Status.SUSPENDED)))
STRANGE_POST: Final = dumps(post("1", _STRANGER, "", datetime(2019, 5, 1, tzinfo=UTC)))
"""An account and a post that were not asked for."""
_UNAVAILABLE: Final = SimulatedReply(
    503,
    error("There was a temporary problem serving your request, please try again"),
    content_type=JSON_TYPE,
)
_FORBIDDEN: Final = SimulatedReply(403, error("This action is not allowed"), content_type=JSON_TYPE)
_LIMITED: Final = SimulatedReply(429, TOO_MANY_REQUESTS, content_type=JSON_TYPE)
_PLAIN: Final = {
    FaultKind.UNAUTHORIZED: SimulatedReply(
        401, error("This API requires an authenticated user"), content_type=JSON_TYPE
    ),
    FaultKind.CREDITS: _FORBIDDEN,
    FaultKind.FORBIDDEN: _FORBIDDEN,
    FaultKind.LIMIT_WITHOUT_RESET: _LIMITED,
    FaultKind.USAGE_CAPPED: _LIMITED,
    FaultKind.LIMIT_HTML: SimulatedReply(429, HTML, content_type=HTML_TYPE),
    FaultKind.UNAVAILABLE_HTML: SimulatedReply(503, HTML, content_type=HTML_TYPE),
    FaultKind.UNAVAILABLE_JSON: _UNAVAILABLE,
    FaultKind.REDIRECT: SimulatedReply(302, HTML, {"Location": _SIGN_IN}, HTML_TYPE),
    FaultKind.BAD_REQUEST: SimulatedReply(
        400, error("The request could not be understood"), content_type=JSON_TYPE
    ),
    FaultKind.HTML: SimulatedReply(200, HTML, content_type=HTML_TYPE),
    FaultKind.EMPTY: SimulatedReply(200, b"", content_type=JSON_TYPE),
    FaultKind.NULL: SimulatedReply(200, b"null", content_type=JSON_TYPE),
    FaultKind.RESET: SimulatedReply(0, b"", cut=True),
}


def failed(
    kind: FaultKind | None, now: datetime, hang_s: float, *, asks_for_many: bool
) -> SimulatedReply | None:
    """The answer to a request that `kind` fails as a whole; None when it does not."""
    match kind:
        case None:
            return None
        case FaultKind.HANG:
            return SimulatedReply(0, b"", cut=True, hang_s=hang_s)
        case FaultKind.LIMIT_PAST_RESET:
            return SimulatedReply(
                429, TOO_MANY_REQUESTS, limits(300, 0, now - timedelta(minutes=3)), JSON_TYPE
            )
        case FaultKind.LIMIT_ABSURD_RESET:
            return SimulatedReply(
                429, TOO_MANY_REQUESTS, limits(300, 0, now + timedelta(days=400)), JSON_TYPE
            )
        case FaultKind.HOST_DOWN:
            return None if asks_for_many else _UNAVAILABLE
        case FaultKind.UNKNOWN_PATH:
            return SimulatedReply(404, RECORD_NOT_FOUND, content_type=JSON_TYPE) if asks_for_many else None
        case _:
            return _PLAIN.get(kind)


def twisted(kind: FaultKind, fragment: bytes, strange: bytes) -> Sequence[bytes]:
    """What an answer about many says of the one account or post that `kind` hits, instead of `fragment`;
    `strange` is one that was not asked for.
    """
    match kind:
        case FaultKind.OMITTED | FaultKind.CONTRADICTORY:
            return ()
        case FaultKind.ODD_ERROR:
            return (error("Record could not be shown"),)
        case FaultKind.FOREIGN_ERROR:
            return fragment, strange
        case _:
            return (fragment,)


def limits(limit: int, remaining: int, reset_at: datetime) -> dict[str, str]:
    """The rate-limit headers; the reset is an ISO 8601 time with six decimals (documented)."""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": reset_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
