"""Reading accounts once, without a database. A failed reading is never called a block."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from collectors.core.collector import Collector, CollectorAnswer, UnresolvedHandle, UnresolvedReason, by_place
from jobs.base.wording import handle_name
from storage.model.core.accounts import Platform
from storage.model.core.availability import SCOPE_FLAGS, Flag, Missed, Reading, State, Status, Strength
from storage.model.platforms.registry import DECLARED
from storage.model.tables.account_references import Address, AddressError, read_address
from storage.model.text.side_facts import flag_words
from storage.model.text.states import PLATFORM_NAME, clean, short_words, state_words


class UnclearError(Exception):
    """It is not clear which account, or which platform, is meant. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class AccountQuery:
    """An account to check, as the user named it. `fault` says why this name cannot be an account of the
    platform. It is empty if the name can be one.
    """

    asked: str
    platform: Platform
    address: Address | None
    fault: str = ""

    @property
    def name(self) -> str | None:
        return self.address.name if self.address is not None else None


@dataclass(frozen=True, slots=True)
class AccountCheck:
    """The result of one check. Either `state` is set, or `reason` says why the status is not known."""

    asked: str
    name: str | None
    """The handle or id in the request; None if the request contains neither."""
    platform: Platform
    at: datetime
    native_id: str | None = None
    handle: str | None = None
    state: State | None = None
    strength: Strength | None = None
    flags: frozenset[Flag] = frozenset()
    moved_to: str | None = None
    silent_on: frozenset[str] = frozenset()
    """Countries about which the answer says nothing."""
    evidence: tuple[dict[str, object], ...] = ()
    """The requests, each with what its answer said about the account. `collectors.core.evidence` describes
    the fields.
    """
    said: str = ""
    """The platform's message, if it gave no id for the name. Empty if there is no message."""
    reason: str | None = None

    @property
    def is_conclusive(self) -> bool:
        return self.state is not None


def questions(words: Sequence[str]) -> list[AccountQuery]:
    """Return the accounts that the arguments of a command name. `words` holds an optional platform, followed
    by handles, ids and URLs.

    Duplicates are dropped. Raises UnclearError if no account is named, or if the platform of an account is
    not clear.
    """
    platform = next((p for p in Platform if words and words[0].lower() == p.value), None)
    names = list(dict.fromkeys(words if platform is None else words[1:]))
    if not names:
        raise UnclearError("No account is named. Write a platform and a handle, or the address of a profile.")
    return [_question(name, platform) for name in names]


def _question(name: str, platform: Platform | None) -> AccountQuery:
    try:
        address = read_address(name, platform)
    except AddressError as fault:
        if platform is None:
            raise UnclearError(f"{fault}") from fault
        return AccountQuery(name, platform, None, str(fault))
    if address.platform is None:
        known = ", ".join(p.value for p in Platform)
        raise UnclearError(f"The platform of {clean(name)!r} is not clear. Write it first: {known}.")
    return AccountQuery(name, address.platform, address)


async def check_accounts(
    collector: Collector, asked: Sequence[AccountQuery], now: datetime
) -> list[AccountCheck]:
    """Read each account of `asked` once, and return the results in the same order. All accounts must be on
    the collector's platform.
    """
    names = [q.address.name for q in asked if q.address is not None and not q.address.is_id]
    resolution = await collector.resolve(list(dict.fromkeys(names)), now) if names else None
    ids: dict[str, str] = {q.address.name: q.address.name for q in asked if q.address and q.address.is_id}
    unresolved: dict[str, UnresolvedHandle] = {}
    if resolution is not None:
        ids |= {one.asked: one.native_id for one in resolution.found}
        unresolved = {one.asked: one for one in resolution.unresolved}
    said = await _read(collector, list(dict.fromkeys(ids.values())), now)
    checks: list[AccountCheck] = []
    for q in asked:
        if q.address is None:
            checks.append(AccountCheck(q.asked, q.name, q.platform, now, reason=q.fault))
        elif q.address.name in ids:
            checks.append(_by_id(q, *said[ids[q.address.name]], now))
        else:
            checks.append(_by_name(q, unresolved[q.address.name], now))
    return checks


async def _read(
    collector: Collector, native_ids: Sequence[str], now: datetime
) -> dict[str, tuple[Reading | Missed, tuple[dict[str, object], ...]]]:
    """The answer about each id, with its evidence."""
    out: dict[str, tuple[Reading | Missed, tuple[dict[str, object], ...]]] = {}
    for ids in by_place(collector, native_ids).values():
        for start in range(0, len(ids), collector.batch_size):
            answer = await collector.read(ids[start : start + collector.batch_size], now)
            kept = collector.evidence(answer.exchanges, ids)
            for said in _all(answer):
                out[said.native_id] = said, _documents(kept.get(said.native_id, b"[]"))
    return out


def _all(answer: CollectorAnswer) -> Iterable[Reading | Missed]:
    return (*answer.readings, *answer.missed)


def _documents(evidence: bytes) -> tuple[dict[str, object], ...]:
    return tuple(cast("list[dict[str, object]]", json.loads(evidence)))


def _by_id(
    q: AccountQuery, said: Reading | Missed, evidence: tuple[dict[str, object], ...], now: datetime
) -> AccountCheck:
    if isinstance(said, Missed):
        detail = f" ({clean(said.detail, 160)})" if said.detail else ""
        reason = f"{said.reason.value}{detail}"
        return AccountCheck(
            q.asked, q.name, q.platform, now, said.native_id, evidence=evidence, reason=reason
        )
    return AccountCheck(
        q.asked,
        q.name,
        q.platform,
        said.at,
        said.native_id,
        said.handle,
        said.state,
        said.strength,
        # "Deleted" depends on what was there before, which a single reading cannot know.
        said.flags - {Flag.DELETED},
        said.moved_to,
        said.silent_on,
        evidence,
    )


_OF_A_NAME = {
    UnresolvedReason.SUSPENDED: (State(Status.SUSPENDED), Strength.STRONG),
    UnresolvedReason.DEACTIVATED: (State(Status.DEACTIVATED), Strength.STRONG),
    UnresolvedReason.NOT_FOUND: (State(Status.NOT_FOUND), Strength.WEAK),
}
"""The status of a name for which the platform gave no id, by the reason that the platform gave. Reasons that
say nothing about the status are left out.
"""


def _by_name(q: AccountQuery, said: UnresolvedHandle, now: datetime) -> AccountCheck:
    if said.why in _OF_A_NAME:
        state, strength = _OF_A_NAME[said.why]
        is_suspended = said.why is UnresolvedReason.SUSPENDED
        either = is_suspended and DECLARED[q.platform].suspension_may_be_deletion
        flags = frozenset({Flag.SUSPENDED_OR_DELETED}) if either else frozenset[Flag]()
        return AccountCheck(
            q.asked, q.name, q.platform, now, state=state, strength=strength, flags=flags, said=said.detail
        )
    if said.why is UnresolvedReason.NOT_A_HANDLE:
        reason = f"not a handle of {PLATFORM_NAME[q.platform]}"
    else:
        reason = f"no answer ({clean(said.detail, 160)})"
    return AccountCheck(q.asked, q.name, q.platform, now, reason=reason)


def as_json(checks: Sequence[AccountCheck]) -> dict[str, object]:
    return {
        "conclusive": all(one.is_conclusive for one in checks),
        "results": [
            {
                "asked": one.asked,
                "platform": one.platform.value,
                "account_id": one.native_id,
                "handle": one.handle,
                "at": one.at.isoformat(),
                "status": one.state and one.state.status.value,
                "withheld_in": list(one.state.withheld_in) if one.state is not None else [],
                "silent_on": sorted(one.silent_on),
                "flags": sorted(flag.value for flag in one.flags),
                "moved_to": one.moved_to,
                "strength": one.strength and one.strength.value,
                "evidence": list(one.evidence),
                "said": one.said,
                "reason": one.reason,
            }
            for one in checks
        ],
    }


def sentences(one: AccountCheck) -> list[str]:
    """Return lines of text about a conclusive check. Empty if the check is not conclusive."""
    if one.state is None:
        return []
    if one.strength is Strength.WEAK:
        strength = "weak evidence (only an absence)"
    else:
        strength = "strong evidence (the platform said so)"
    of_post = one.native_id is not None and DECLARED[one.platform].is_post(one.native_id)
    words = state_words(one.state, one.platform, one.flags, of_post=of_post)
    if one.native_id is None and one.state.status is Status.NOT_FOUND:
        words = f"{short_words(one.state, one.platform, one.flags)}: {DECLARED[one.platform].absent_words}"
    lines = [
        f"{_name(one)}: {words}",
        f"  {strength}, at {one.at:%Y-%m-%d %H:%M:%S} UTC",
    ]
    for flag in sorted(one.flags - SCOPE_FLAGS - {Flag.WITH_AUTHOR}):
        moved_to = one.moved_to if flag in {Flag.MOVED, Flag.MOVED_UNPROVEN} else None
        lines.append(f"  also: {flag_words(flag, one.platform, moved_to or '')}")
    if one.silent_on:
        countries = ", ".join(sorted(one.silent_on))
        lines.append(f"  not known for {countries}: the answer does not say whether it is hidden there")
    if one.said:
        lines.append(f"  {clean(one.said, 2000)}")
    for document in one.evidence:
        lines += _of_exchange(document)
    return lines


def _of_exchange(document: dict[str, object]) -> list[str]:
    """One request, and what its answer said about the account."""
    request_id = document["request_id"]
    named = f", request {clean(str(request_id), 120)}" if request_id else ""
    return [
        f"  {clean(str(document['url']), 400)}: HTTP {document['http_status']} at {document['at']}{named}, "
        f"SHA-256 {document['sha256']}",
        f"    {clean(json.dumps(document['about'], separators=(',', ':')), 2000)}",
    ]


def failure(one: AccountCheck) -> str:
    """Say why a check gave no status, and that this is not a sign of a block."""
    reason = (one.reason or "").rstrip(".")
    return f"No status for {_name(one)}: {reason}. This is not a sign of a block."


def _name(one: AccountCheck) -> str:
    if one.handle is not None:
        return f"{handle_name(one.handle)} ({one.native_id})"
    if one.native_id is not None and one.name is not None and one.native_id != one.name:
        return f"{handle_name(one.name)} ({one.native_id})"
    return clean(one.asked, 120) if one.name is None or one.native_id is not None else handle_name(one.name)
