"""Asking the platforms whom the names of an order mean."""

from collections.abc import Iterable, Mapping, Sequence

from collectors.core.collector import Collector, UnresolvedReason
from jobs.collect.collector_factory import collector_of
from jobs.collect.one_shot_check import AccountCheck, AccountQuery, check_accounts
from jobs.collect.resolve_handles import Resolver, why
from jobs.orders.match_names import ResolvedName, UnresolvedName
from jobs.orders.parse_names import ParsedName
from storage.model.core.accounts import Platform
from storage.model.core.orders import NameOutcome
from storage.model.tables.account_references import Address
from storage.model.text.states import PLATFORM_NAME, clean, short_words


async def ask_platforms(
    resolver: Resolver, names: Sequence[ParsedName]
) -> Mapping[str, ResolvedName | UnresolvedName]:
    """What the platforms say, by the words of each name. All of them tell a platform and a handle or an id.

    Raises SettingsError when the settings do not let a platform be asked.
    """
    out: dict[str, ResolvedName | UnresolvedName] = {}
    for platform in Platform:
        some = [said for said in names if said.platform is platform]
        reason = _closed(resolver, platform)
        if reason is not None:
            out |= {said.words: UnresolvedName(NameOutcome.NOT_TRIED, reason) for said in some}
        elif some:
            async with collector_of(resolver.settings, platform) as collector:
                out |= await _ask(collector, platform, some, resolver)
    return out


def _closed(resolver: Resolver, platform: Platform) -> str | None:
    """Why a platform is not asked; None when it is."""
    if resolver.refusal(platform) is not None:
        return f"{PLATFORM_NAME[platform]} is not read (setting platforms)."
    if platform is Platform.X and resolver.settings.x_bearer_token is None:
        return "It cannot be looked up: setting x_bearer_token is missing."
    return None


async def _ask(
    collector: Collector, platform: Platform, names: Sequence[ParsedName], resolver: Resolver
) -> dict[str, ResolvedName | UnresolvedName]:
    handles = _each(said.handle for said in names)
    ids = _each(said.native_id for said in names)
    # There are handles of digits only: what is an id is told from what is a handle.
    told: dict[tuple[str, bool], ResolvedName | UnresolvedName] = {}
    if handles:
        resolution = await collector.resolve(handles, resolver.clock())
        told |= {(one.asked, False): ResolvedName(one.native_id, one.handle) for one in resolution.found}
        told |= {
            (one.asked, False): UnresolvedName(
                NameOutcome.NOT_TRIED if one.why is UnresolvedReason.NO_ANSWER else NameOutcome.UNRESOLVABLE,
                why(platform, one),
            )
            for one in resolution.unresolved
        }
    questions = [AccountQuery(one, platform, Address(platform, one, is_id=True)) for one in ids]
    looks = await check_accounts(collector, questions, resolver.clock()) if questions else []
    told |= {(one.asked, True): _by_id(one) for one in looks}
    return {
        said.words: told[said.native_id or said.handle or "", said.native_id is not None] for said in names
    }


def _each(names: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name is not None))


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
        f"{where} tells no handle of {clean(seen.asked)}, which is {words}: watch it with accounts import, "
        "which takes a handle beside the id.",
    )
