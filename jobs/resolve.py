"""From handles to the ids of X, which never change: once, when an account is put on the watch."""

from collections.abc import Awaitable, Callable, Sequence

from collectors.base import Unresolved, WhyUnresolved
from jobs.app import x_collector
from jobs.clock import Clock
from jobs.settings import Settings
from jobs.wording import clean, handle_name

Resolver = Callable[[Sequence[str]], Awaitable[dict[str, tuple[str, str] | str]]]
"""For each handle of X its (id, handle as spelt), or the sentence why there is none."""

NOT_FOUND = "deactivated, deleted, renamed or never existed"
"""All that X's "not found" can mean."""


def resolver(settings: Settings, clock: Clock) -> Resolver | None:
    """A resolver with the token of the settings; None when there is no token. Raises SettingsError."""
    if settings.x_bearer_token is None:
        return None
    collector = x_collector(settings)

    async def resolve(handles: Sequence[str]) -> dict[str, tuple[str, str] | str]:
        async with collector:
            resolution = await collector.resolve(handles, clock())
        found: dict[str, tuple[str, str] | str] = {
            one.asked: (one.native_id, one.handle) for one in resolution.found
        }
        return found | {one.asked: why(one) for one in resolution.unresolved}

    return resolve


def why(handle: Unresolved) -> str:
    """Why a handle gave no id, and what to do, as a sentence."""
    name = handle_name(handle.asked)
    match handle.why:
        case WhyUnresolved.NOT_FOUND:
            return f"X knows no account {name} ({NOT_FOUND})."
        case WhyUnresolved.SUSPENDED:
            return f"{name} is suspended, and X does not tell the id of a suspended account: add account_id."
        case WhyUnresolved.NOT_A_HANDLE:
            return f"{name} is not a handle of X."
        case WhyUnresolved.NO_ANSWER:
            return f"X gave no answer for {name} ({clean(handle.detail, 120)}): try again."
