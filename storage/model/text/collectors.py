"""Pure: a collector in words: its name, why it fails, and what a person can do about it."""

from collections.abc import Sequence

from storage.model.core.accounts import Platform
from storage.model.core.availability import MissedReason
from storage.model.core.platform_request import OTHER_ADDRESS, source_parts
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import PLATFORM_NAME, clean

_WHY = {
    MissedReason.NETWORK: "connection failed",
    MissedReason.AUTH: "key refused",
    MissedReason.CREDITS: "credits used up",
    MissedReason.ACCESS: "access refused",
    MissedReason.RATE_LIMITED: "rate limit reached",
    MissedReason.USAGE_CAPPED: "usage cap reached",
    MissedReason.UPSTREAM: "server errors",
    MissedReason.BAD_REQUEST: "request refused as invalid",
    MissedReason.MALFORMED: "unreadable answers",
    MissedReason.CONTRADICTORY: "contradictory answers",
    MissedReason.OMITTED: "accounts missing from answers",
    MissedReason.UNCLASSIFIED: "unknown kind of answer",
    MissedReason.UNHEARD: "country missing from answers",
    MissedReason.HELD: "control accounts look wrong",
}
WAIT = (
    "Nothing at first, because Blockline retries by itself. If the issue lasts, the command “blockline "
    "doctor” "
    "shows what can be reached."
)
_HELD_TO_DO = (
    "A control account does not have the expected status; the Health page shows which. Blockline replaces "
    "one that really changed, unless it is named in the settings. Replace one that is named in the setting "
    "{platform}_canaries. If there are no control accounts, name some in this setting."
)

HANGS_TO_DO = (
    "While it holds the lock, no other process can take over. Check on its host whether it hangs, and end "
    "it (kill -9 with the number after the name). Another worker then takes over within seconds."
)
_OTHER_ADDRESS_TO_DO = "Set {settings} on all hosts and restart the command “blockline run”."


def collector_name(platform: Platform, place: str, vantage: str) -> str:
    """ "X", "Mastodon at one.example", "YouTube videos", "X from tr"."""
    name = PLATFORM_NAME[platform]
    if place:
        name += f"{' at' if DECLARED[platform].is_one_server(place) else ''} {clean(place, 80)}"
    return f"{name} from {clean(vantage)}" if vantage else name


def source_words(source: str) -> str:
    """`collector_name` of a source of `storage.model.core.platform_request`."""
    try:
        platform, vantage = source_parts(source)
    except ValueError:  # a worker of another version reads it
        return clean(source, 80)
    return collector_name(platform, "", vantage)


def why_words(reason: str | None) -> str:
    """Why a collector fails, as it is written in brackets; `reason` is a MissedReason as it is stored."""
    if reason == OTHER_ADDRESS:
        return "uses another address than the leader"
    try:
        return _WHY[MissedReason(reason or "")]
    except ValueError:
        return clean(reason) if reason else "no reason recorded"


def to_do(platform: Platform, reason: str | None) -> str | None:
    """What a person can do about it, in a sentence or two; None when there is nothing to do but to wait."""
    if reason == OTHER_ADDRESS:
        return _OTHER_ADDRESS_TO_DO.format(settings=_same_values(DECLARED[platform].address_settings))
    try:
        known = MissedReason(reason or "")
    except ValueError:
        return None
    if known is MissedReason.HELD:
        return _HELD_TO_DO.format(platform=platform.value)
    return DECLARED[platform].to_do.get(known)


def _same_values(settings: Sequence[str]) -> str:
    same = "the same value" if len(settings) == 1 else "the same values"
    return f"{' and '.join(settings)} to {same}"
