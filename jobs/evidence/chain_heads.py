"""Heads of the chain outside of the database: the list that is given to others, and reading it back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from jobs.evidence.pack_proof import KnownHeads
from storage.changes.hash_chain import Head
from storage.model.evidence.hash_chain import moment

_MOST_BYTES: Final = 64 * 1024 * 1024
_HEAD: Final = re.compile(r"[0-9a-f]{64}")


class HeadsError(Exception):
    """These heads cannot be used. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class _Anchored:
    seq: int
    head: str


@dataclass(frozen=True, slots=True)
class _Listed:
    day: str
    seq: int
    head: str
    anchors: tuple[_Anchored, ...] = ()


@dataclass(frozen=True, slots=True)
class _List:
    heads: tuple[_Listed, ...]


def heads_listed(found: Sequence[Head]) -> dict[str, object]:
    """Days with their heads and time stamps, for programs and for `evidence verify --heads`."""
    return {
        "heads": [
            {
                "day": head.day.isoformat(),
                "seq": head.seq,
                "head": head.entry.hex(),
                "anchors": [
                    {
                        "seq": one.seq,
                        "head": one.entry.hex(),
                        "authority": one.authority,
                        "at": moment(one.at),
                    }
                    for one in head.anchors
                ],
            }
            for head in found
        ]
    }


def heads_known(path: Path | None, given: str | None) -> KnownHeads:
    """The heads of a file, and one that was given alone. Raises HeadsError."""
    named: dict[str, str] = {}
    numbered: dict[int, str] = {}
    if path is not None:
        for one in _read(path).heads:
            for anchored in one.anchors:
                named[_head(anchored.head, str(path))] = f"entry {anchored.seq}, which has a time stamp"
                numbered[anchored.seq] = anchored.head
            named[_head(one.head, str(path))] = f"entry {one.seq}, the head of {one.day}"
            numbered[one.seq] = one.head
    if given is not None:
        named.setdefault(_head(given.strip().lower(), "--head"), "the head that you gave")
    return KnownHeads(named, numbered)


def _read(path: Path) -> _List:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES)
    except FileNotFoundError:
        raise HeadsError(f"{path}: the file does not exist.") from None
    except OSError as error:
        raise HeadsError(f"{path}: the file cannot be read ({error.strerror}).") from error
    try:
        return TypeAdapter(_List).validate_json(content)
    except (ValidationError, ValueError) as error:
        raise HeadsError(
            f"{path} is not a list of chain heads written by `blockline evidence heads --output`."
        ) from error


def _head(text: str, where: str) -> str:
    if not _HEAD.fullmatch(text):
        raise HeadsError(
            f"{where}: {text[:80]!r} is not a chain head. A chain head has 64 hexadecimal digits."
        )
    return text
