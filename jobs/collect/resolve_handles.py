"""Looking up the permanent ids of handles and URLs, once, when an account is added to the watch."""

from collections.abc import Sequence
from dataclasses import dataclass

from collectors.core.collector import UnresolvedHandle, UnresolvedReason
from jobs.base.clock import Clock
from jobs.base.wording import handle_name
from jobs.collect.collector_factory import collector_of
from jobs.config.settings import Settings
from storage.model.core.accounts import Platform
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import PLATFORM_NAME, clean


@dataclass(frozen=True, slots=True)
class Resolver:
    """Looks up ids on each platform with the settings of the installation."""

    settings: Settings
    clock: Clock

    def refusal(self, platform: Platform) -> str | None:
        """Return why accounts of a platform are not accepted. None if they are accepted. The text continues a
        sentence that begins with the account's name.
        """
        if self.settings.platforms is None or platform in self.settings.platforms:
            return None
        return f"is on {PLATFORM_NAME[platform]}, which is not read (setting platforms)."

    async def resolve(self, platform: Platform, names: Sequence[str]) -> dict[str, tuple[str, str] | str]:
        """Return the id and the handle for each name. The handle has the platform's spelling. For a name
        without an id, return a sentence that says why.

        Raises SettingsError if the settings do not allow asking the platform.
        """
        if (key := self.settings.missing_key(platform)) is not None:
            return {
                name: f"{handle_name(name)} has no account_id, and it cannot be looked up: "
                f"setting {key} is missing."
                for name in names
            }
        async with collector_of(self.settings, platform) as collector:
            resolution = await collector.resolve(names, self.clock())
        found: dict[str, tuple[str, str] | str] = {
            one.asked: (one.native_id, one.handle) for one in resolution.found
        }
        return found | {one.asked: why(platform, one) for one in resolution.unresolved}


def why(platform: Platform, said: UnresolvedHandle) -> str:
    """A sentence that says why a name gave no id, and what to do."""
    name, where = handle_name(said.asked), PLATFORM_NAME[platform]
    match said.why:
        case UnresolvedReason.NOT_FOUND:
            return f"{where} knows no account {name} ({DECLARED[platform].absent_words})."
        case UnresolvedReason.SUSPENDED if DECLARED[platform].suspension_may_be_deletion:
            return f"{name} is suspended by its server or deleted by its owner: add account_id."
        case UnresolvedReason.SUSPENDED:
            hidden = f"{where} does not give the id of a suspended account"
            return f"{name} is suspended, and {hidden}: add account_id."
        case UnresolvedReason.DEACTIVATED:
            return f"{name} is deactivated, and {where} gives no id while it is: add account_id."
        case UnresolvedReason.NOT_A_HANDLE:
            return f"{name} is not a handle of {where}."
        case UnresolvedReason.NO_ANSWER:
            return f"{where} gave no answer for {name} ({clean(said.detail, 120)}): try again."
