"""Pure: what goes wrong, and when. The same seed, time and request always meet the same fault, so a run
that is killed and started again lives through the same weather.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from types import MappingProxyType
from typing import Final


class Kind(StrEnum):
    """One fault of one request."""

    RESET = "reset"
    """The connection is cut without an answer."""
    HANG = "hang"
    """No answer for a while, then the connection is cut."""
    UNAUTHORIZED = "unauthorized"
    CREDITS = "credits"
    FORBIDDEN = "forbidden"
    LIMIT_WITHOUT_RESET = "limit_without_reset"
    LIMIT_PAST_RESET = "limit_past_reset"
    LIMIT_ABSURD_RESET = "limit_absurd_reset"
    LIMIT_HTML = "limit_html"
    USAGE_CAPPED = "usage_capped"
    UNAVAILABLE_HTML = "unavailable_html"
    UNAVAILABLE_JSON = "unavailable_json"
    UNKNOWN_PATH = "unknown_path"
    REDIRECT = "redirect"
    BAD_REQUEST = "bad_request"
    EXPIRED_PAGE = "expired_page"
    """The token of a further page is no longer valid; any other request is answered as usual."""
    TRUNCATED = "truncated"
    HTML = "html"
    EMPTY = "empty"
    NULL = "null"
    OMITTED = "omitted"
    """From here on: about one of the accounts asked for, the others are answered as usual."""
    CONTRADICTORY = "contradictory"
    ODD_ERROR = "odd_error"
    NO_PROTECTED = "no_protected"
    ODD_WITHHELD = "odd_withheld"
    FOREIGN_ERROR = "foreign_error"
    """An error about an account that was not asked for."""
    ALL_NOT_FOUND = "all_not_found"
    """The whole answer says that nobody exists, control accounts included."""
    HOST_DOWN = "host_down"
    """Only the server that holds an account fails with 503 (Bluesky: PDS; Mastodon: the answers about one
    account); what answers for many accounts works.
    """
    LABELER_SILENT = "labeler_silent"
    """Bluesky: one regional labeler is missing from the header that says who was heard, and so are its labels."""
    NEW_HOST = "new_host"
    """Problem types under the other host: no fault, but a difference that must not matter."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Every request is answered with 503 from `since` to before `until`."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Glitch:
    """A lie of the platform: from `since` to before `until` a share of all accounts, control accounts
    among them, is said not to exist. No collector can tell it from the truth.
    """

    since: datetime
    until: datetime
    share: float


@dataclass(frozen=True, slots=True)
class Faults:
    """A plan of faults. `weights` is how many of 100,000 requests meet each kind."""

    weights: Mapping[Kind, int] = field(default_factory=dict[Kind, int])
    seed: int = 0
    outages: tuple[Outage, ...] = ()
    glitches: tuple[Glitch, ...] = ()
    hang_s: float = 0.05
    """Real seconds, bounded so that a rehearsal does not stand still."""

    def of(self, now: datetime, request: str) -> Kind | None:
        """What goes wrong with `request` (path and query) at the simulated time `now`."""
        if any(outage.since <= now < outage.until for outage in self.outages):
            return Kind.UNAVAILABLE_HTML
        if not self.weights:
            return None
        drawn = _draw(self.seed, now.isoformat(), request) % 100_000
        for kind, weight in self.weights.items():
            if drawn < weight:
                return kind
            drawn -= weight
        return None

    def victim(self, now: datetime, request: str, count: int) -> int:
        """Which of `count` accounts a fault about one account hits."""
        return _draw(self.seed, "victim", now.isoformat(), request) % count

    def lied_about(self, now: datetime, native_id: str) -> bool:
        """Whether a glitch makes the account look missing at `now`; stays so through the glitch."""
        return any(
            glitch.since <= now < glitch.until
            and _draw(self.seed, glitch.since.isoformat(), native_id) % 1000 < glitch.share * 1000
            for glitch in self.glitches
        )


_LIGHT: Final = {
    Kind.UNAVAILABLE_HTML: 250,
    Kind.UNAVAILABLE_JSON: 150,
    Kind.RESET: 100,
    Kind.TRUNCATED: 100,
    Kind.LIMIT_WITHOUT_RESET: 20,
    Kind.OMITTED: 200,
    Kind.ODD_ERROR: 100,
    Kind.NEW_HOST: 80,
}
_HEAVY: Final = (
    dict.fromkeys(Kind, 450)
    # These stop the collector for a while, so each of them costs many requests.
    | dict.fromkeys((Kind.UNAUTHORIZED, Kind.CREDITS, Kind.FORBIDDEN, Kind.USAGE_CAPPED), 10)
    | dict.fromkeys((Kind.LIMIT_WITHOUT_RESET, Kind.LIMIT_PAST_RESET, Kind.LIMIT_HTML), 40)
    | {Kind.LIMIT_ABSURD_RESET: 10, Kind.HANG: 20}
    | {Kind.UNAVAILABLE_HTML: 900, Kind.OMITTED: 900, Kind.ODD_ERROR: 700}
)
PROFILES: Final[Mapping[str, Mapping[Kind, int]]] = MappingProxyType(
    {"none": {}, "light": _LIGHT, "heavy": _HEAVY}
)


def profile(
    name: str,
    *,
    seed: int = 0,
    outages: tuple[Outage, ...] = (),
    glitches: tuple[Glitch, ...] = (),
) -> Faults:
    """The plan called `name`: none, light (1 % of requests) or heavy (10 %, every kind).

    Raises ValueError, with the names there are, for any other.
    """
    weights = PROFILES.get(name)
    if weights is None:
        raise ValueError(f"no fault profile {name!r}; there are {', '.join(PROFILES)}")
    return Faults(weights, seed, outages, glitches)


def _draw(*parts: object) -> int:
    return int.from_bytes(blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest(), "big")
