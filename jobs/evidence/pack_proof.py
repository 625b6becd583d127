"""Pure: how the leaves of an evidence pack lead to heads, and which of these somebody outside vouches for.

`log_proof.py` does the same for the checkpoints of the Merkle log.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from jobs.base.wording import number
from jobs.evidence.checkpoint import LogKey, SignedCheckpoint
from jobs.evidence.pack import Files, PackContent, statement_words
from jobs.evidence.pack_page import instant
from storage.model.evidence.hash_chain import entry_of


class ProofResult(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Nothing is wrong, but less is proved than could be."""
    OPEN = "OPEN"
    """It may be right or wrong, and what is at hand does not tell: words of another version, or heads that
    are of other entries than the pack holds.
    """
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class ProofCheck:
    verdict: ProofResult
    said: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the answer of a time-stamping authority says of the entry that it was asked about."""

    at: datetime
    signed_by: str | None
    """Who signed it, proved by the certificates that were given. None: none were given, nothing is proved."""


@dataclass(frozen=True, slots=True)
class KnownHeads:
    """Heads that the verifier has from elsewhere: entry by its hexadecimal text, in words; and by number.
    And checkpoints of the log that the verifier saved, and the key that signs them.
    """

    named: Mapping[str, str] = field(default_factory=dict[str, str])
    numbered: Mapping[int, str] = field(default_factory=dict[int, str])
    held: tuple[SignedCheckpoint, ...] = ()
    key: LogKey | None = None

    @property
    def given(self) -> bool:
        return bool(self.named)


StampOf = Callable[[bytes, bytes], Stamp | str]
"""Reads a token about an entry. A text is the sentence that says what is wrong with it."""

Entries = Mapping[int, tuple[str, str]]
"""Leaf and entry by number."""


def entries_in(facts: PackContent) -> tuple[Entries, list[ProofCheck]]:
    """The entries that the leaves give, and whether the heads that the pack names are among them."""
    entries: dict[int, tuple[str, str]] = {}
    last = 0
    for segment in facts.chain.segments:
        if segment.first_seq <= last:
            return {}, [failed("The stretches of the chain overlap.")]
        last = segment.first_seq - 1
        try:
            entry = bytes.fromhex(segment.previous)
            for leaf in segment.leaves:
                entry = entry_of(entry, bytes.fromhex(leaf))
                last += 1
                entries[last] = (leaf, entry.hex())
        except ValueError:
            return {}, [failed("The chain holds what is not a hash.")]
    ends = (*facts.chain.heads, *facts.chain.anchors)
    wrong = [end.seq for end in ends if entries.get(end.seq, ("", ""))[1] != end.head]
    if wrong:
        return entries, [failed(f"The leaves do not lead to the head that is entry {wrong[0]}.")]
    said = f"{number(len(entries), 'entry').replace('entrys', 'entries')} of the chain follow from each other"
    return entries, [ok(f"{said}, up to the {number(len(ends), 'head')} that the pack names.")]


@dataclass(frozen=True, slots=True)
class StampedPart:
    """What an authority put its time on: an entry of the chain, or a checkpoint."""

    file: str
    """With the answer of the authority."""
    content: bytes | None
    """What was stamped; None if the pack does not have it."""
    seq: int
    """The newest entry that it covers."""
    called: str


def stamped_entries(facts: PackContent, entries: Entries) -> list[StampedPart]:
    """The entries of the chain that have a time stamp."""
    return [
        StampedPart(
            anchor.file,
            bytes.fromhex(entries[anchor.seq][1]) if anchor.seq in entries else None,
            anchor.seq,
            f"entry {anchor.seq}",
        )
        for anchor in facts.chain.anchors
    ]


def stamps_in(
    files: Files, stamped: Sequence[StampedPart], stamp_of: StampOf
) -> tuple[list[ProofCheck], dict[int, str]]:
    """What each authority says, and what one vouches for, in words by the newest entry that it covers."""
    out: list[ProofCheck] = []
    vouched: dict[int, str] = {}
    for one in stamped:
        stamp = stamp_of(files[one.file], one.content) if one.content else "what it stamps is not there"
        if isinstance(stamp, str):
            out.append(failed(f"{one.file}: {stamp}."))
        elif stamp.signed_by is None:
            said = f"{one.file} says that {one.called} was there on {instant(stamp.at)}"
            out.append(
                ProofCheck(ProofResult.NOTE, f"{said}; its signature is not checked without --tsa-certs.")
            )
        else:
            vouched[one.seq] = f"{stamp.signed_by} signed {one.called} on {instant(stamp.at)}"
            out.append(ok(f"{one.file}: {vouched[one.seq]}, and its signature is valid."))
    return out, vouched


def heads_reached(
    facts: PackContent,
    entries: Entries,
    known: KnownHeads,
    vouched: Mapping[int, str],
    covered: Mapping[int, str],
) -> list[ProofCheck]:
    """Whether every statement is before an entry that the verifier knows from elsewhere.

    `vouched` are entries that an authority stamped. `covered` are checkpoints that one stamped or that the
    verifier holds, in words by their size, if the pack proves that the log of its entries begins with theirs.

    Only another hash at an entry that the pack holds contradicts the pack; a head of any other entry tells
    nothing about it.
    """
    entry_at = {one.first_seq - 1: one.previous for one in facts.chain.segments}
    entry_at |= {seq: entry for seq, (_, entry) in entries.items()}
    for seq, head in known.numbered.items():
        if entry_at.get(seq, head) != head:
            return [failed(f"Entry {seq} of the pack is not the head that you have from elsewhere.")]
    named = {seq: known.named[entry] for seq, (_, entry) in entries.items() if entry in known.named}
    fixed = {**vouched, **named}
    if not (fixed or covered):
        if known.given:
            return [ProofCheck(ProofResult.OPEN, _not_covered(facts, entries, known))]
        said = "No head is known from elsewhere (--head, --heads, --tsa-certs)"
        if facts.log is not None:
            said = "No checkpoint or head is known from elsewhere (--held, --head, --heads, --tsa-certs)"
        made = "the maker of the pack could have made all of it again"
        return [ProofCheck(ProofResult.NOTE, f"{said}: {made}.")]
    out: list[ProofCheck] = []
    if known.given and not named:
        out.append(ProofCheck(ProofResult.NOTE, _not_covered(facts, entries, known)))
    for attested in facts.attested:
        after = _reached(facts, attested.seq, fixed)
        size = min((size for size in covered if size >= attested.seq), default=None)
        said = statement_words(attested.statement)
        if after is not None:
            out.append(ok(f"The {said} was recorded before {fixed[after]}."))
        elif size is not None:
            out.append(ok(f"The {said} was recorded before {covered[size]}."))
        else:
            out.append(_not_reached(said, known, is_head=bool(fixed)))
    return out


def _not_covered(facts: PackContent, entries: Entries, known: KnownHeads) -> str:
    """Why none of the known heads is an entry of the pack, as far as their numbers tell."""
    said = "The pack is not covered by these heads"
    first, last = min((one.seq for one in facts.attested), default=0), max(entries, default=0)
    if set(known.named) - set(known.numbered.values()):
        why = "It may be older or newer than they are, or made again"
        return f"{said}: it leads to none of them. {why}: only a head with its number (--heads) shows which."
    later = [seq for seq in known.numbered if seq > last]
    if later:
        why = f"it ends at entry {last}, and the nearest of them is entry {min(later)}"
        return f"{said}: {why}. A pack that is made now may lead to it."
    if all(seq < first for seq in known.numbered):
        return f"{said}: they were given before what it states, which begins at entry {first}."
    return f"{said}: it leads to none of them."


def _not_reached(said: str, known: KnownHeads, *, is_head: bool) -> ProofCheck:
    """A statement after all that is fixed. That the log continues an older checkpoint was shown."""
    if is_head:
        why = f"The {said} is not covered by these heads: the pack leads from it to none of them."
        return ProofCheck(ProofResult.OPEN, why)
    why = f"The {said} is newer than these checkpoints, which therefore do not show when it was recorded."
    return ProofCheck(ProofResult.NOTE if known.held else ProofResult.OPEN, why)


def _reached(facts: PackContent, seq: int, fixed: Mapping[int, str]) -> int | None:
    """The nearest of the fixed entries that the leaves lead to from an entry."""
    for segment in facts.chain.segments:
        end = segment.first_seq + len(segment.leaves)
        if segment.first_seq <= seq < end:
            return min((at for at in fixed if seq <= at < end), default=None)
    return None


def ok(said: str) -> ProofCheck:
    return ProofCheck(ProofResult.OK, said)


def failed(said: str) -> ProofCheck:
    return ProofCheck(ProofResult.FAILED, said)
