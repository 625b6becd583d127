"""Pure: how the faults of a plan look on X's wire."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from collectors.simulator.faults import FaultKind
from collectors.simulator.reply import SimulatedReply
from collectors.x.simulator import payloads
from collectors.x.simulator.payloads import Fragment, dumps

_PLAIN: Final = {
    FaultKind.UNAUTHORIZED: SimulatedReply(401, dumps(payloads.UNAUTHORIZED)),
    FaultKind.CREDITS: SimulatedReply(402, dumps(payloads.CREDITS_DEPLETED)),
    FaultKind.FORBIDDEN: SimulatedReply(
        403, dumps(payloads.CLIENT_FORBIDDEN), content_type="application/problem+json"
    ),
    FaultKind.LIMIT_WITHOUT_RESET: SimulatedReply(429, dumps(payloads.TOO_MANY_REQUESTS)),
    FaultKind.LIMIT_HTML: SimulatedReply(429, payloads.HTML, content_type="text/html"),
    FaultKind.UNAVAILABLE_HTML: SimulatedReply(503, payloads.HTML, content_type="text/html"),
    FaultKind.UNAVAILABLE_JSON: SimulatedReply(503, dumps(payloads.SERVICE_UNAVAILABLE)),
    FaultKind.UNKNOWN_PATH: SimulatedReply(404, b""),
    FaultKind.REDIRECT: SimulatedReply(302, payloads.HTML, {"Location": "/login"}, "text/html"),
    FaultKind.BAD_REQUEST: SimulatedReply(400, dumps({"errors": None, "title": "Invalid Request"})),
    FaultKind.HTML: SimulatedReply(200, payloads.HTML, content_type="text/html"),
    FaultKind.EMPTY: SimulatedReply(200, b""),
    FaultKind.NULL: SimulatedReply(200, b"null"),
    FaultKind.RESET: SimulatedReply(0, b"", cut=True),
}


def failed(kind: FaultKind | None, now: datetime, hang_s: float) -> SimulatedReply | None:
    """The answer to a request that `kind` fails as a whole; None when it does not."""
    if kind is FaultKind.HANG:
        return SimulatedReply(0, b"", cut=True, hang_s=hang_s)
    if kind is FaultKind.LIMIT_PAST_RESET:
        return SimulatedReply(429, dumps(payloads.TOO_MANY_REQUESTS), _limits(now - timedelta(minutes=3), 0))
    if kind is FaultKind.LIMIT_ABSURD_RESET:
        return SimulatedReply(429, dumps(payloads.TOO_MANY_REQUESTS), _limits(now + timedelta(days=400), 0))
    if kind is FaultKind.USAGE_CAPPED:
        return SimulatedReply(
            429, dumps(payloads.USAGE_CAP_EXCEEDED), _limits(now + timedelta(minutes=9), 39999)
        )
    return None if kind is None else _PLAIN.get(kind)


def twisted(kind: FaultKind | None, fragment: Fragment, value: str, parameter: str) -> Sequence[Fragment]:
    """What an answer says of the one account `value` that `kind` hits, instead of `fragment`.

    Kinds about parts that X does not have (another host, a labeler) change nothing.
    """
    match kind:
        case FaultKind.OMITTED:
            return ()
        case FaultKind.CONTRADICTORY:
            error = payloads.suspended(parameter, value)
            data = payloads.user(value, "somebody", payloads.AVAILABLE, ("protected",))
            return Fragment(False, dumps(data)), Fragment(True, dumps(error))
        case FaultKind.ODD_ERROR:
            return (Fragment(True, dumps(payloads.odd_error(parameter, value))),)
        case FaultKind.NO_PROTECTED:
            data = payloads.user(value, "somebody", payloads.AVAILABLE, ())
            return (Fragment(False, dumps(data)),)
        case FaultKind.ODD_WITHHELD:
            data = payloads.user(value, "somebody", payloads.AVAILABLE, ("protected",))
            return (Fragment(False, dumps(data | {"withheld": {"country_codes": "IN"}})),)
        case FaultKind.FOREIGN_ERROR:
            foreign = payloads.suspended("entities.mentions.username", value) | {"section": "includes"}
            return fragment, Fragment(True, dumps(foreign))
        case _:
            return (fragment,)


def _limits(reset_at: datetime, remaining: int) -> dict[str, str]:
    return {
        "x-rate-limit-limit": "40000",
        "x-rate-limit-remaining": str(remaining),
        "x-rate-limit-reset": str(int(reset_at.timestamp())),
    }
