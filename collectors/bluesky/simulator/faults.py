"""Pure: how the faults of a plan look on Bluesky's wire.

Without a counterpart here, and so no fault, are CREDITS, USAGE_CAPPED, EXPIRED_PAGE, NO_PROTECTED and
NEW_HOST. ODD_WITHHELD sends labels that are no list. FOREIGN_ERROR adds the profile of a stranger, among
posts as well.
CONTRADICTORY and ODD_ERROR take an account out of the batch and meet it again when it is asked for alone.
ALL_NOT_FOUND is the app view's alone, for a whole simulated minute: the servers of the accounts go on
telling the truth, so the two contradict each other. Only a glitch makes both lie.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from collectors.bluesky.simulator import payloads
from collectors.bluesky.simulator.payloads import HTML_TYPE, JSON, answer, dumps
from collectors.simulator.faults import FaultKind
from collectors.simulator.reply import SimulatedReply

STRANGER: Final = "did:plc:stranger2stranger2strang"
"""A DID that nobody asked for."""

LASTING: Final = frozenset({FaultKind.CONTRADICTORY, FaultKind.ODD_ERROR})
"""Kinds that hold for one account until the clock moves."""

_PLAIN: Final = {
    FaultKind.UNAUTHORIZED: answer(401, payloads.AUTH_MISSING),
    FaultKind.FORBIDDEN: answer(403, payloads.FORBIDDEN),
    FaultKind.LIMIT_WITHOUT_RESET: answer(429, payloads.RATE_LIMITED),
    FaultKind.LIMIT_HTML: SimulatedReply(429, payloads.HTML, content_type=HTML_TYPE),
    FaultKind.UNAVAILABLE_HTML: SimulatedReply(503, payloads.HTML, content_type=HTML_TYPE),
    FaultKind.UNAVAILABLE_JSON: answer(503, payloads.UNAVAILABLE),
    FaultKind.UNKNOWN_PATH: answer(501, payloads.METHOD_NOT_IMPLEMENTED),
    FaultKind.REDIRECT: SimulatedReply(302, payloads.HTML, {"Location": "/login"}, HTML_TYPE),
    FaultKind.BAD_REQUEST: answer(400, {"error": "InvalidRequest", "message": "Invalid request"}),
    FaultKind.HTML: SimulatedReply(200, payloads.HTML, content_type=HTML_TYPE),
    FaultKind.EMPTY: SimulatedReply(200, b"", content_type=JSON),
    FaultKind.NULL: SimulatedReply(200, b"null", content_type=JSON),
    FaultKind.RESET: SimulatedReply(0, b"", cut=True),
}
_HOST_DOWN: Final = answer(503, payloads.UNAVAILABLE)


def failed(kind: FaultKind | None, now: datetime, hang_s: float, at_host: bool) -> SimulatedReply | None:
    """The answer to a request that `kind` fails as a whole; None when it does not.

    `at_host`: the request is one to the server that holds an account.
    """
    if kind is None or (kind is FaultKind.HOST_DOWN and not at_host):
        return None
    if kind is FaultKind.HOST_DOWN:
        return _HOST_DOWN
    if kind is FaultKind.HANG:
        return SimulatedReply(0, b"", cut=True, hang_s=hang_s)
    if kind is FaultKind.LIMIT_PAST_RESET:
        return answer(429, payloads.RATE_LIMITED, _used_up(now - timedelta(minutes=3)))
    if kind is FaultKind.LIMIT_ABSURD_RESET:
        return answer(429, payloads.RATE_LIMITED, _used_up(now + timedelta(days=400)))
    return _PLAIN.get(kind)


def twisted(kind: FaultKind, shown: bytes | None) -> Sequence[bytes | None]:
    """What a batch says of the one account or post that `kind` hits, instead of `shown`."""
    match kind:
        case FaultKind.OMITTED | FaultKind.CONTRADICTORY | FaultKind.ODD_ERROR:
            return ()
        case FaultKind.ODD_WITHHELD:
            return () if shown is None else (odd_labels(shown),)
        case FaultKind.FOREIGN_ERROR:
            return shown, dumps(payloads.profile(STRANGER, "stranger.test", ()))
        case _:
            return (shown,)


def odd_labels(shown: bytes) -> bytes:
    """A profile or a post whose labels are no list, which says nothing of where it is withheld."""
    return dumps({**json.loads(shown), "labels": "!hide"})


def _used_up(reset_at: datetime) -> dict[str, str]:
    return {
        "ratelimit-limit": "3000",
        "ratelimit-reset": str(int(reset_at.timestamp())),
        "ratelimit-remaining": "0",
        "ratelimit-policy": "3000;w=300",
    }
