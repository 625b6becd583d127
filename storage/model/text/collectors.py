"""Pure: a collector in words: its name, why it gives nothing, and what a person can do about it."""

from storage.model.core.accounts import Platform
from storage.model.core.availability import MissedReason
from storage.model.core.platform_request import OTHER_ADDRESS, source_parts
from storage.model.text.states import PLATFORM_NAME, clean

_WHY = {
    MissedReason.NETWORK: "not reached",
    MissedReason.AUTH: "key refused",
    MissedReason.CREDITS: "credits used up",
    MissedReason.ACCESS: "access refused",
    MissedReason.RATE_LIMITED: "asked to pause",
    MissedReason.USAGE_CAPPED: "usage cap reached",
    MissedReason.UPSTREAM: "server errors",
    MissedReason.BAD_REQUEST: "our request refused",
    MissedReason.MALFORMED: "answers that cannot be read",
    MissedReason.CONTRADICTORY: "answers that contradict each other",
    MissedReason.OMITTED: "answers that leave accounts out",
    MissedReason.UNCLASSIFIED: "answers of an unknown kind",
    MissedReason.UNHEARD: "answers that leave a country out",
    MissedReason.HELD: "control accounts look wrong",
}
WAIT = "Nothing at first: it tries again by itself. If it lasts, blockline doctor says what can be reached."
_X_TO_DO = {
    MissedReason.AUTH: "Renew the bearer token in the developer console of X, put it into setting "
    "x_bearer_token and start blockline run again.",
    MissedReason.CREDITS: "Buy credits in the developer console of X, or watch fewer accounts: X bills an "
    "account once a day, however often it is read.",
    MissedReason.USAGE_CAPPED: "Raise the spending or usage cap in the developer console of X, or wait until "
    "its period ends. Waiting shorter does not help: the cap is no rate limit.",
    MissedReason.ACCESS: "See in the developer console of X whether the app belongs to a project whose plan "
    "includes user lookup.",
}
_KEYLESS_TO_DO = {
    MissedReason.AUTH: "It is read without a key, so that there is none to renew: see with blockline check "
    "whether it refuses everybody.",
    MissedReason.ACCESS: "Its server answers known servers only. Ask the people who run it, or take its "
    "accounts off the watch.",
}
_HELD_TO_DO = (
    "A control account looks otherwise than expected; the health page says which. One that really changed "
    "is replaced by itself, but those of the settings are yours to replace. Without control accounts, name "
    "some in setting {platform}_canaries."
)

HANGS_TO_DO = (
    "It holds the planning, so nobody takes over. See on its machine whether it hangs, and end it there "
    "(kill -9 with the number after the name): another process that reads takes over within seconds."
)
_OTHER_ADDRESS_TO_DO = {
    Platform.X: "Give setting x_base_url the same value on all machines, and start blockline run again.",
    Platform.BLUESKY: "Give settings bluesky_app_view and bluesky_plc the same values on all machines, and "
    "start blockline run again.",
    Platform.MASTODON: "Give setting mastodon_origins the same value on all machines, and start blockline "
    "run again.",
}


def collector_name(platform: Platform, place: str, vantage: str) -> str:
    """ "X", "Mastodon at one.example", "X from tr"."""
    name = PLATFORM_NAME[platform]
    if place:
        name += f" at {clean(place, 80)}"
    return f"{name} from {clean(vantage)}" if vantage else name


def source_words(source: str) -> str:
    """`collector_name` of a source of `storage.model.core.platform_request`."""
    try:
        platform, vantage = source_parts(source)
    except ValueError:  # a worker of another version reads it
        return clean(source, 80)
    return collector_name(platform, "", vantage)


def why_words(reason: str | None) -> str:
    """Why a collector gives nothing, to stand in brackets; `reason` is a MissedReason as it is stored."""
    if reason == OTHER_ADDRESS:
        return "asks another address than the process that plans"
    try:
        return _WHY[MissedReason(reason or "")]
    except ValueError:
        return clean(reason) if reason else "no reason is on record"


def to_do(platform: Platform, reason: str | None) -> str | None:
    """What a person can do about it, in a sentence or two; None when there is nothing to do but to wait."""
    if reason == OTHER_ADDRESS:
        return _OTHER_ADDRESS_TO_DO[platform]
    try:
        known = MissedReason(reason or "")
    except ValueError:
        return None
    if known is MissedReason.HELD:
        return _HELD_TO_DO.format(platform=platform.value)
    table = _X_TO_DO if platform is Platform.X else _KEYLESS_TO_DO
    return table.get(known)
