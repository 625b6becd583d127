"""Pure: how the faults of a plan look on Bluesky's wire.

Without a counterpart here, and so no fault, are CREDITS, USAGE_CAPPED, EXPIRED_PAGE, NO_PROTECTED and
NEW_HOST. ODD_WITHHELD sends labels that are no list. FOREIGN_ERROR adds the profile of a stranger.
CONTRADICTORY and ODD_ERROR take an account out of the batch and meet it again when it is asked for alone.
ALL_NOT_FOUND is the app view's alone, for a whole simulated minute: the servers of the accounts go on
telling the truth, so the two contradict each other. Only a glitch makes both lie.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from collectors.simulator.bluesky import payloads as payloads
from collectors.simulator.bluesky.payloads import HTML_TYPE, JSON, answer, dumps
from collectors.simulator.core.faults import Kind
from collectors.simulator.core.reply import Reply

STRANGER: Final = "did:plc:stranger2stranger2strang"
"""A DID that nobody asked for."""

LASTING: Final = frozenset({Kind.CONTRADICTORY, Kind.ODD_ERROR})
"""Kinds that hold for one account until the clock moves."""

_PLAIN: Final = {
    Kind.UNAUTHORIZED: answer(401, payloads.AUTH_MISSING),
    Kind.FORBIDDEN: answer(403, payloads.FORBIDDEN),
    Kind.LIMIT_WITHOUT_RESET: answer(429, payloads.RATE_LIMITED),
    Kind.LIMIT_HTML: Reply(429, payloads.HTML, content_type=HTML_TYPE),
    Kind.UNAVAILABLE_HTML: Reply(503, payloads.HTML, content_type=HTML_TYPE),
    Kind.UNAVAILABLE_JSON: answer(503, payloads.UNAVAILABLE),
    Kind.UNKNOWN_PATH: answer(501, payloads.METHOD_NOT_IMPLEMENTED),
    Kind.REDIRECT: Reply(302, payloads.HTML, {"Location": "/login"}, HTML_TYPE),
    Kind.BAD_REQUEST: answer(400, {"error": "InvalidRequest", "message": "Invalid request"}),
    Kind.HTML: Reply(200, payloads.HTML, content_type=HTML_TYPE),
    Kind.EMPTY: Reply(200, b"", content_type=JSON),
    Kind.NULL: Reply(200, b"null", content_type=JSON),
    Kind.RESET: Reply(0, b"", cut=True),
}
_HOST_DOWN: Final = answer(503, payloads.UNAVAILABLE)


def failed(kind: Kind | None, now: datetime, hang_s: float, at_host: bool) -> Reply | None:
    """The answer to a request that `kind` fails as a whole; None when it does not.

    `at_host`: the request is one to the server that holds an account.
    """
    if kind is None or (kind is Kind.HOST_DOWN and not at_host):
        return None
    if kind is Kind.HOST_DOWN:
        return _HOST_DOWN
    if kind is Kind.HANG:
        return Reply(0, b"", cut=True, hang_s=hang_s)
    if kind is Kind.LIMIT_PAST_RESET:
        return answer(429, payloads.RATE_LIMITED, _used_up(now - timedelta(minutes=3)))
    if kind is Kind.LIMIT_ABSURD_RESET:
        return answer(429, payloads.RATE_LIMITED, _used_up(now + timedelta(days=400)))
    return _PLAIN.get(kind)


def twisted(kind: Kind, profile: bytes | None) -> Sequence[bytes | None]:
    """What a batch says of the one account that `kind` hits, instead of `profile`."""
    match kind:
        case Kind.OMITTED | Kind.CONTRADICTORY | Kind.ODD_ERROR:
            return ()
        case Kind.ODD_WITHHELD:
            return () if profile is None else (odd_labels(profile),)
        case Kind.FOREIGN_ERROR:
            return profile, dumps(payloads.profile(STRANGER, "stranger.test", ()))
        case _:
            return (profile,)


def odd_labels(profile: bytes) -> bytes:
    """A profile whose labels are no list, which says nothing of where it is withheld."""
    return dumps({**json.loads(profile), "labels": "!hide"})


def _used_up(reset_at: datetime) -> dict[str, str]:
    return {
        "ratelimit-limit": "3000",
        "ratelimit-reset": str(int(reset_at.timestamp())),
        "ratelimit-remaining": "0",
        "ratelimit-policy": "3000;w=300",
    }
