"""One conclusive look at accounts, without a database. A look that failed is never called a block."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from collectors.base import Unresolved, WhyUnresolved
from collectors.x import XCollector
from jobs.resolve import NOT_FOUND
from jobs.wording import clean, handle_name, state_words
from storage.model.availability import Flag, Missed, Reading, State, Status, Strength

ID_PREFIX = "id:"
"""`id:12345` asks for a numeric id: there are handles of digits only."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look said. Either `state` is there, or `reason` says why nothing was learned."""

    asked: str
    at: datetime
    native_id: str | None = None
    handle: str | None = None
    state: State | None = None
    strength: Strength | None = None
    flags: frozenset[Flag] = frozenset()
    evidence: str = ""
    """The part of the platform's answer that says so."""
    reason: str | None = None

    @property
    def is_conclusive(self) -> bool:
        return self.state is not None


async def look(collector: XCollector, asked: Sequence[str], now: datetime) -> list[Look]:
    """One look at each of `asked`, in their order: handles of X, or numeric ids as `id:12345`."""
    names = list(dict.fromkeys(asked))
    handles = [name for name in names if not name.startswith(ID_PREFIX)]
    resolution = await collector.resolve(handles, now) if handles else None
    ids = {name: name.removeprefix(ID_PREFIX) for name in names if name.startswith(ID_PREFIX)}
    looks: dict[str, Look] = {}
    if resolution is not None:
        ids |= {one.asked: one.native_id for one in resolution.found}
        looks |= {one.asked: _by_handle(one, now) for one in resolution.unresolved}
    said = await _read(collector, list(dict.fromkeys(ids.values())), now)
    looks |= {name: _by_id(name, *said[native_id], now) for name, native_id in ids.items()}
    return [looks[name] for name in names]


async def _read(
    collector: XCollector, native_ids: Sequence[str], now: datetime
) -> dict[str, tuple[Reading | Missed, str]]:
    """For each id what was said of it, and the words of the platform."""
    out: dict[str, tuple[Reading | Missed, str]] = {}
    for start in range(0, len(native_ids), collector.batch_size):
        answer = await collector.read(native_ids[start : start + collector.batch_size], now)
        for said in (*answer.readings, *answer.missed):
            excerpt = collector.evidence(answer.exchanges, [said.native_id]).get(said.native_id, b"")
            out[said.native_id] = said, excerpt.decode("utf-8", "replace")
    return out


def _by_id(asked: str, said: Reading | Missed, evidence: str, now: datetime) -> Look:
    if isinstance(said, Missed):
        detail = f" ({clean(said.detail, 160)})" if said.detail else ""
        return Look(asked, now, said.native_id, evidence=evidence, reason=f"{said.reason.value}{detail}")
    return Look(asked, said.at, said.native_id, said.handle, said.state, said.strength, said.flags, evidence)


def _by_handle(said: Unresolved, now: datetime) -> Look:
    """X answers for a suspended or unknown handle, only without an id."""
    evidence = json.dumps(said.detail)
    match said.why:
        case WhyUnresolved.SUSPENDED:
            suspended = State(Status.SUSPENDED)
            return Look(said.asked, now, state=suspended, strength=Strength.STRONG, evidence=evidence)
        case WhyUnresolved.NOT_FOUND:
            absent = State(Status.NOT_FOUND)
            return Look(said.asked, now, state=absent, strength=Strength.WEAK, evidence=evidence)
        case WhyUnresolved.NOT_A_HANDLE:
            return Look(said.asked, now, reason="that is not a handle of X")
        case WhyUnresolved.NO_ANSWER:
            return Look(said.asked, now, reason=f"no answer ({clean(said.detail, 160)})")


def as_json(looks: Sequence[Look]) -> dict[str, object]:
    return {
        "platform": "x",
        "conclusive": all(one.is_conclusive for one in looks),
        "results": [
            {
                "asked": one.asked,
                "account_id": one.native_id,
                "handle": one.handle,
                "at": one.at.isoformat(),
                "status": one.state and one.state.status.value,
                "withheld_in": list(one.state.withheld_in) if one.state is not None else [],
                "flags": sorted(flag.value for flag in one.flags),
                "strength": one.strength and one.strength.value,
                "evidence": one.evidence,
                "reason": one.reason,
            }
            for one in looks
        ],
    }


def sentences(one: Look) -> list[str]:
    """A conclusive look for a reader, the words of the platform last."""
    if one.state is None:
        return []
    status = state_words(one.state)
    if one.state.status is Status.NOT_FOUND:
        status += f": {NOT_FOUND}"
    flags = "".join(f", {flag.value.replace('_', ' ')}" for flag in sorted(one.flags))
    strength = "weak: only an absence" if one.strength is Strength.WEAK else "strong: the platform said so"
    lines = [f"{_name(one)}: {status}{flags}", f"  evidence {strength}, at {one.at:%Y-%m-%d %H:%M:%S} UTC"]
    return [*lines, f"  {clean(one.evidence, 2000)}"] if one.evidence else lines


def failure(one: Look) -> str:
    """Why a look taught nothing, as a sentence that calls nothing a block."""
    reason = (one.reason or "").rstrip(".")
    return f"{_name(one)}: nothing was learned, which is no sign of a block: {reason}."


def _name(one: Look) -> str:
    if one.handle is not None:
        return f"{handle_name(one.handle)} ({one.native_id})"
    return clean(one.asked) if one.asked.startswith(ID_PREFIX) else handle_name(one.asked)
