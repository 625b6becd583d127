"""Heads of the chain outside of the database: the list that is given to others, and reading it back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from jobs.evidence.checkpoint import CheckpointError, SignedCheckpoint, read_checkpoint, read_key
from jobs.evidence.pack_proof import KnownHeads
from storage.changes.hash_chain import Head
from storage.model.evidence.hash_chain import moment
from storage.postgres.merkle_log import StoredCheckpoint

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
    checkpoint: str | None = None
    """Lists of earlier versions have none."""


def heads_listed(found: Sequence[Head], signed: StoredCheckpoint | None) -> dict[str, object]:
    """Days with their heads and time stamps, and a checkpoint with its key, for programs and for
    `evidence verify --heads`.
    """
    return {
        "checkpoint": None if signed is None else signed.note,
        "key": None if signed is None else signed.signer,
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
        ],
    }


def heads_known(
    path: Path | None, given: str | None, held: str | None = None, key: str | None = None
) -> KnownHeads:
    """The heads and the checkpoint of a file, and a head, a checkpoint and a key that were given alone.

    `held` is a file, or the text of a checkpoint. Raises HeadsError.
    """
    checkpoints = [] if held is None else [_checkpoint(_text_of(held), "--held")]
    try:
        trusted = None if key is None else read_key(key)
    except CheckpointError as error:
        raise HeadsError(f"--key: {error}.") from error
    named: dict[str, str] = {}
    numbered: dict[int, str] = {}
    if path is not None:
        listed = _read(path)
        if listed.checkpoint is not None:
            checkpoints.append(_checkpoint(listed.checkpoint, str(path)))
        for one in listed.heads:
            for anchored in one.anchors:
                named[_head(anchored.head, str(path))] = f"entry {anchored.seq}, which has a time stamp"
                numbered[anchored.seq] = anchored.head
            named[_head(one.head, str(path))] = f"entry {one.seq}, the head of {one.day}"
            numbered[one.seq] = one.head
    if given is not None:
        named.setdefault(_head(given.strip().lower(), "--head"), "the head that you gave")
    return KnownHeads(named, numbered, tuple(checkpoints), trusted)


def _text_of(held: str) -> str:
    """A checkpoint that is given as such, or the content of the file with this name."""
    if "\n" in held:
        return held
    content = _content(Path(held)).decode("utf-8", "replace")
    try:
        return TypeAdapter(_List).validate_json(content).checkpoint or content
    except ValidationError:
        return content


def _checkpoint(text: str, where: str) -> SignedCheckpoint:
    """Lines may end as on Windows, and a shell takes the last end away."""
    try:
        return read_checkpoint(text.replace("\r\n", "\n").rstrip("\n") + "\n")
    except CheckpointError as error:
        raise HeadsError(f"{where}: {error}.") from error


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)
    except FileNotFoundError:
        raise HeadsError(f"{path}: the file does not exist.") from None
    except (OSError, ValueError) as error:
        raise HeadsError(f"{path}: the file cannot be read.") from error


def _read(path: Path) -> _List:
    content = _content(path)
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
