"""Asking a platform which accounts handles and ids mean: for imports, orders and name checks alike."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from collectors.core.collector import Collector, UnresolvedHandle, UnresolvedReason
from jobs.base.clock import Clock
from jobs.base.wording import handle_name
from jobs.collect.collector_factory import collector_of
from jobs.collect.one_shot_check import AccountCheck, AccountQuery, check_accounts
from jobs.config.settings import Settings
from jobs.dispatch.shared_rate_limits import SharedBudgets
from storage.model.core.accounts import Platform
from storage.model.core.orders import NameOutcome
from storage.model.platforms.registry import DECLARED
from storage.model.tables.account_references import Address
from storage.model.tables.name_matching import ResolvedName, UnresolvedName
from storage.model.text.states import PLATFORM_NAME, clean, short_words

Answers = Mapping[tuple[str, bool], ResolvedName | UnresolvedName]
"""By handle, or by id with True beside it: a handle may have digits only."""


@dataclass(frozen=True, slots=True)
class Resolver:
    """Looks up names on each platform with the settings of the installation."""

    settings: Settings
    clock: Clock
    budgets: SharedBudgets | None = None
    """Counts the requests together with those of other processes. None: they are counted alone."""

    def refusal(self, platform: Platform) -> str | None:
        """Return why accounts of a platform are not accepted. None if they are accepted. The text continues a
        sentence that begins with the account's name.
        """
        if self.settings.platforms is None or platform in self.settings.platforms:
            return None
        return f"is on {PLATFORM_NAME[platform]}, which is not read (setting platforms)."

    async def look_up(self, platform: Platform, asked: Iterable[tuple[str, bool]]) -> Answers:
        """Return the platform's answer for each name: the account, or why there is none.

        A platform that is not read, or has no key, is not asked; the answers then name the setting. Raises
        SettingsError if the settings do not allow asking the platform.
        """
        names = list(dict.fromkeys(asked))
        reason = self._closed(platform)
        if reason is not None:
            return {name: UnresolvedName(NameOutcome.NOT_TRIED, reason) for name in names}
        if not names:
            return {}
        async with collector_of(self.settings, platform, budgets=self.budgets) as collector:
            return await self._ask(collector, platform, names)

    def _closed(self, platform: Platform) -> str | None:
        """Return why a platform is not asked; None when it is."""
        if self.refusal(platform) is not None:
            return f"The setting platforms leaves out {PLATFORM_NAME[platform]}."
        key = self.settings.missing_key(platform)
        return None if key is None else f"It cannot be looked up: set {key}."

    async def _ask(
        self, collector: Collector, platform: Platform, names: Sequence[tuple[str, bool]]
    ) -> Answers:
        handles = [name for name, is_id in names if not is_id]
        ids = [name for name, is_id in names if is_id]
        answers: dict[tuple[str, bool], ResolvedName | UnresolvedName] = {}
        if handles:
            resolution = await collector.resolve(handles, self.clock())
            answers |= {
                (one.asked, False): ResolvedName(one.native_id, one.handle) for one in resolution.found
            }
            answers |= {
                (one.asked, False): UnresolvedName(
                    NameOutcome.NOT_TRIED
                    if one.why is UnresolvedReason.NO_ANSWER
                    else NameOutcome.UNRESOLVABLE,
                    why(platform, one),
                )
                for one in resolution.unresolved
            }
        questions = [AccountQuery(one, platform, Address(platform, one, is_id=True)) for one in ids]
        looks = await check_accounts(collector, questions, self.clock()) if questions else []
        return answers | {(one.asked, True): _by_id(one) for one in looks}


def _by_id(seen: AccountCheck) -> ResolvedName | UnresolvedName:
    if seen.handle is not None:
        return ResolvedName(seen.asked, seen.handle)
    where = PLATFORM_NAME[seen.platform]
    if seen.state is None:
        return UnresolvedName(
            NameOutcome.NOT_TRIED, f"{where} gave no answer ({clean(seen.reason or '', 120)})."
        )
    words = short_words(seen.state, seen.platform, seen.flags)
    return UnresolvedName(
        NameOutcome.UNRESOLVABLE,
        f"{where} gives no handle for {clean(seen.asked)}, which is {words}. To watch it, import its id with "
        "a handle: blockline accounts import.",
    )


_OF_POSTS = {
    UnresolvedReason.NOT_FOUND: "{where} knows no post {name}: it was deleted, its author's account is gone, "
    "or it never existed.",
    UnresolvedReason.SUSPENDED: "{name} cannot be looked up while its author's account is suspended: {add}.",
    UnresolvedReason.DEACTIVATED: "{name} cannot be looked up while its author's account is deactivated: "
    "{add}.",
    UnresolvedReason.NOT_A_HANDLE: "{name} is not a post of {where}.",
}


def why(platform: Platform, said: UnresolvedHandle) -> str:
    """A sentence that says why a name gave no id, and what to do."""
    name, where = handle_name(said.asked), PLATFORM_NAME[platform]
    add = f"add its id, as {platform.value}:id:ID or as account_id of a table"
    is_post = "/" in said.asked and DECLARED[platform].is_post_handle(said.asked)
    if is_post and said.why in _OF_POSTS:
        return _OF_POSTS[said.why].format(where=where, name=name, add=add)
    match said.why:
        case UnresolvedReason.NOT_FOUND:
            return f"{where} knows no account {name} ({DECLARED[platform].absent_words})."
        case UnresolvedReason.SUSPENDED if DECLARED[platform].suspension_may_be_deletion:
            return f"{name} is suspended by its server or deleted by its owner: {add}."
        case UnresolvedReason.SUSPENDED:
            hidden = f"{where} does not give the id of a suspended account"
            return f"{name} is suspended, and {hidden}: {add}."
        case UnresolvedReason.DEACTIVATED:
            return f"{name} is deactivated, and {where} gives no id while it is: {add}."
        case UnresolvedReason.NOT_A_HANDLE:
            return f"{name} is not a handle of {where}."
        case UnresolvedReason.NO_ANSWER:
            return f"{where} gave no answer for {name} ({clean(said.detail, 120)})."
