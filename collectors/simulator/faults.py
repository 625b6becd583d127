"""Pure: what goes wrong, and when. The same seed, time and request always meet the same fault, so a run
that is killed and started again lives through the same weather.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from types import MappingProxyType
from typing import Final


class FaultKind(StrEnum):
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
    """The whole answer says that nobody exists, control accounts included: without these no collector
    can tell it from the truth.
    """
    HOST_DOWN = "host_down"
    """Only the server that holds an account fails with 503 (Bluesky: PDS; Mastodon: the answers about one
    account); what answers for many accounts works.
    """
    LABELER_SILENT = "labeler_silent"
    """Bluesky: one regional labeler is missing from the header that says who was heard, and so are its
    labels.
    """
    LABELS_DROPPED = "labels_dropped"
    """Bluesky: the header names every labeler as heard, and the labels of the regional ones are left out. No
    profile brings it: of an account that was never shown with a label, no collector can tell it from the
    truth.
    """
    SLOW = "slow"
    """The answer comes after a while, and is right."""
    NEW_HOST = "new_host"
    """X: problem types under the other host. Mastodon: null where a key is mostly left out. YouTube: an empty
    list where none is mostly sent. No fault, but a difference that must not matter.
    """


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
class Flapping:
    """Glitches without end: in each `window` another `share` of all accounts is said not to exist."""

    share: float
    window: timedelta


@dataclass(frozen=True, slots=True)
class FaultPeriod:
    """Once in `every`, at a time drawn from the seed, one of `kinds` meets every request for `length`."""

    kinds: tuple[FaultKind, ...]
    length: timedelta
    every: timedelta


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """A plan of faults. `weights` is how many of 100,000 requests meet each kind."""

    weights: Mapping[FaultKind, int] = field(default_factory=dict[FaultKind, int])
    seed: int = 0
    outages: tuple[Outage, ...] = ()
    glitches: tuple[Glitch, ...] = ()
    periods: tuple[FaultPeriod, ...] = ()
    flapping: Flapping | None = None
    hang_s: float = 0.05
    """Real seconds before a hanging connection is cut: few, so that a rehearsal does not stand still."""
    slow_s: float = 0.02
    """Real seconds before a slow answer."""

    @property
    def lies(self) -> bool:
        """Whether `lied_about` is ever True: callers that ask it for each account look here first."""
        return bool(self.glitches) or self.flapping is not None

    def of(self, now: datetime, request: str) -> FaultKind | None:
        """What goes wrong with `request` (path and query) at the simulated time `now`.

        An outage and a period hit every request of their time, whatever it asks.
        """
        if any(outage.since <= now < outage.until for outage in self.outages):
            return FaultKind.UNAVAILABLE_HTML
        for period in self.periods:
            since, kind = _occurrence(self.seed, period, (now - _EPOCH) // period.every)
            if since <= now < since + period.length:
                return kind
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
        if self.flapping is not None:
            window = (now - _EPOCH) // self.flapping.window
            drawn = _window_hash(self.seed, self.flapping.window, window).copy()
            drawn.update(native_id.encode())
            if int.from_bytes(drawn.digest(), "big") < self.flapping.share * _DRAWS:
                return True
        return any(
            glitch.since <= now < glitch.until
            and _draw(self.seed, glitch.since.isoformat(), native_id) < glitch.share * _DRAWS
            for glitch in self.glitches
        )


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DRAWS: Final = 2**64
_LIGHT: Final = {
    FaultKind.UNAVAILABLE_HTML: 250,
    FaultKind.UNAVAILABLE_JSON: 150,
    FaultKind.RESET: 100,
    FaultKind.TRUNCATED: 100,
    FaultKind.LIMIT_WITHOUT_RESET: 20,
    FaultKind.OMITTED: 200,
    FaultKind.ODD_ERROR: 100,
    FaultKind.NEW_HOST: 80,
}
_NOT_BY_CHANCE: Final = frozenset({FaultKind.ALL_NOT_FOUND, FaultKind.LABELS_DROPPED})
_HEAVY: Final = (
    dict.fromkeys([kind for kind in FaultKind if kind not in _NOT_BY_CHANCE], 400)
    # These stop the collector for a while, so each of them costs many requests.
    | dict.fromkeys(
        (FaultKind.UNAUTHORIZED, FaultKind.CREDITS, FaultKind.FORBIDDEN, FaultKind.USAGE_CAPPED), 10
    )
    | dict.fromkeys((FaultKind.LIMIT_WITHOUT_RESET, FaultKind.LIMIT_PAST_RESET, FaultKind.LIMIT_HTML), 40)
    | {FaultKind.LIMIT_ABSURD_RESET: 10, FaultKind.HANG: 20, FaultKind.SLOW: 50}
    | {FaultKind.UNAVAILABLE_HTML: 900, FaultKind.OMITTED: 900, FaultKind.ODD_ERROR: 700}
)
_OUTAGE: Final = FaultPeriod((FaultKind.ALL_NOT_FOUND,), timedelta(minutes=40), timedelta(hours=12))
_CREDENTIALS: Final = FaultPeriod(
    (FaultKind.UNAUTHORIZED, FaultKind.CREDITS, FaultKind.FORBIDDEN),
    timedelta(minutes=20),
    timedelta(hours=8),
)
_FLAPPING: Final = Flapping(share=0.001, window=timedelta(minutes=15))
PROFILES: Final[Mapping[str, FaultPlan]] = MappingProxyType(
    {
        "none": FaultPlan(),
        "light": FaultPlan(_LIGHT),
        "heavy": FaultPlan(_HEAVY),
        "network": FaultPlan({FaultKind.RESET: 2000, FaultKind.HANG: 200}),
        "rate_limit": FaultPlan(
            dict.fromkeys(
                (FaultKind.LIMIT_WITHOUT_RESET, FaultKind.LIMIT_PAST_RESET, FaultKind.LIMIT_HTML), 150
            )
            | {FaultKind.LIMIT_ABSURD_RESET: 30, FaultKind.USAGE_CAPPED: 5}
        ),
        "server_errors": FaultPlan(
            {FaultKind.UNAVAILABLE_HTML: 1500, FaultKind.UNAVAILABLE_JSON: 1500, FaultKind.HOST_DOWN: 1000}
        ),
        "truncated": FaultPlan(
            {FaultKind.TRUNCATED: 1000, FaultKind.HTML: 600, FaultKind.EMPTY: 600, FaultKind.NULL: 600}
        ),
        "omitted": FaultPlan(
            {
                FaultKind.OMITTED: 2000,
                FaultKind.CONTRADICTORY: 1000,
                FaultKind.ODD_ERROR: 1000,
                FaultKind.LABELER_SILENT: 2000,
            }
        ),
        "outage": FaultPlan(periods=(_OUTAGE,)),
        "credentials": FaultPlan(periods=(_CREDENTIALS,)),
        "slow": FaultPlan({FaultKind.SLOW: 3000}),
        "flapping": FaultPlan(flapping=_FLAPPING),
        "everything": FaultPlan(_HEAVY, periods=(_OUTAGE, _CREDENTIALS), flapping=_FLAPPING),
    }
)


def profile(
    name: str,
    *,
    seed: int = 0,
    outages: tuple[Outage, ...] = (),
    glitches: tuple[Glitch, ...] = (),
) -> FaultPlan:
    """The plan called `name`, so strong that a run still reads most of the time.

    light is 1 % of the requests, heavy 10 % with every kind that comes by chance. In an outage everybody is
    said not to exist, 40 minutes twice a day. Credentials are refused for 20 minutes three times a day.
    Flapping says of 0.1 % of the accounts, drawn anew every 15 minutes, that they do not exist.
    Raises ValueError, with the names there are, for any other name.
    """
    plan = PROFILES.get(name)
    if plan is None:
        raise ValueError(f"unknown fault profile {name!r}; known are {', '.join(PROFILES)}")
    return replace(plan, seed=seed, outages=outages, glitches=glitches)


def _draw(*parts: object) -> int:
    return int.from_bytes(blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest(), "big")


@lru_cache(maxsize=64)
def _occurrence(seed: int, period: FaultPeriod, number: int) -> tuple[datetime, FaultKind]:
    """When the period with this number begins, and what it brings."""
    drawn = _draw(seed, "period", *period.kinds, number)
    late = timedelta(seconds=drawn % int((period.every - period.length).total_seconds()))
    return _EPOCH + number * period.every + late, period.kinds[drawn % len(period.kinds)]


@lru_cache(maxsize=64)
def _window_hash(seed: int, window: timedelta, number: int) -> blake2b:
    """Begun once for a window, since it is finished for millions of accounts."""
    return blake2b(f"flapping|{seed}|{window}|{number}|".encode(), digest_size=8)
