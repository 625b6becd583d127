"""Pure: how the faults of a plan look on the wire of a Mastodon server.

Mastodon has no credits and no usage cap: CREDITS looks like FORBIDDEN, USAGE_CAPPED like a limit without a
reset. It has no tokens of pages, no protected accounts, no countries and no labelers: EXPIRED_PAGE,
NO_PROTECTED, ODD_WITHHELD and LABELER_SILENT are no faults here. UNKNOWN_PATH is a server older than 4.3,
which answers for one account at a time only.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from collectors.simulator.core.faults import Kind
from collectors.simulator.core.reply import Reply
from collectors.simulator.mastodon.payloads import (
    HTML,
    HTML_TYPE,
    JSON_TYPE,
    RECORD_NOT_FOUND,
    TOO_MANY_REQUESTS,
    account,
    dumps,
    error,
    person_at,
)
from storage.model.core.availability import State, Status

_SIGN_IN: Final = "/auth/sign_in"
_STRANGER: Final = person_at("https://elsewhere.example/users/stranger#1")
_UNAVAILABLE: Final = Reply(
    503,
    error("There was a temporary problem serving your request, please try again"),
    content_type=JSON_TYPE,
)
_FORBIDDEN: Final = Reply(403, error("This action is not allowed"), content_type=JSON_TYPE)
_LIMITED: Final = Reply(429, TOO_MANY_REQUESTS, content_type=JSON_TYPE)
_PLAIN: Final = {
    Kind.UNAUTHORIZED: Reply(401, error("This API requires an authenticated user"), content_type=JSON_TYPE),
    Kind.CREDITS: _FORBIDDEN,
    Kind.FORBIDDEN: _FORBIDDEN,
    Kind.LIMIT_WITHOUT_RESET: _LIMITED,
    Kind.USAGE_CAPPED: _LIMITED,
    Kind.LIMIT_HTML: Reply(429, HTML, content_type=HTML_TYPE),
    Kind.UNAVAILABLE_HTML: Reply(503, HTML, content_type=HTML_TYPE),
    Kind.UNAVAILABLE_JSON: _UNAVAILABLE,
    Kind.REDIRECT: Reply(302, HTML, {"Location": _SIGN_IN}, HTML_TYPE),
    Kind.BAD_REQUEST: Reply(400, error("The request could not be understood"), content_type=JSON_TYPE),
    Kind.HTML: Reply(200, HTML, content_type=HTML_TYPE),
    Kind.EMPTY: Reply(200, b"", content_type=JSON_TYPE),
    Kind.NULL: Reply(200, b"null", content_type=JSON_TYPE),
    Kind.RESET: Reply(0, b"", cut=True),
}


def failed(kind: Kind | None, now: datetime, hang_s: float, *, asks_for_many: bool) -> Reply | None:
    """The answer to a request that `kind` fails as a whole; None when it does not."""
    match kind:
        case None:
            return None
        case Kind.HANG:
            return Reply(0, b"", cut=True, hang_s=hang_s)
        case Kind.LIMIT_PAST_RESET:
            return Reply(429, TOO_MANY_REQUESTS, limits(300, 0, now - timedelta(minutes=3)), JSON_TYPE)
        case Kind.LIMIT_ABSURD_RESET:
            return Reply(429, TOO_MANY_REQUESTS, limits(300, 0, now + timedelta(days=400)), JSON_TYPE)
        case Kind.HOST_DOWN:
            return None if asks_for_many else _UNAVAILABLE
        case Kind.UNKNOWN_PATH:
            return Reply(404, RECORD_NOT_FOUND, content_type=JSON_TYPE) if asks_for_many else None
        case _:
            return _PLAIN.get(kind)


def twisted(kind: Kind, fragment: bytes) -> Sequence[bytes]:
    """What an answer about many says of the one account that `kind` hits, instead of `fragment`."""
    match kind:
        case Kind.OMITTED | Kind.CONTRADICTORY:
            return ()
        case Kind.ODD_ERROR:
            return (error("Record could not be shown"),)
        case Kind.FOREIGN_ERROR:
            return fragment, dumps(account(_STRANGER, "", State(Status.SUSPENDED)))
        case _:
            return (fragment,)


def limits(limit: int, remaining: int, reset_at: datetime) -> dict[str, str]:
    """The rate-limit headers; the reset is an ISO 8601 time with six decimals (documented)."""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": reset_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
