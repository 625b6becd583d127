"""Pure: how many changes have which cause, and on what confidence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storage.model.causes.causes import CauseKind, Confidence, StatedCause


@dataclass(frozen=True, slots=True)
class CauseShare:
    """Those of which this is the surest cause on record."""

    kind: CauseKind | None
    """None: no cause is on record, which is not the same as "unknown", which somebody said."""
    confidence: Confidence | None
    numbers: frozenset[int]


def breakdown(causes: Iterable[tuple[int, Sequence[StatedCause]]]) -> Sequence[CauseShare]:
    """Divide accounts, posts or changes by their surest cause, the largest share first, and last those
    without any.

    `causes` are the numbers of all of them, each with its standing causes as `standing` orders them. Each is
    in one share, so that the shares add up to all.
    """
    members: dict[tuple[CauseKind | None, Confidence | None], set[int]] = {}
    for number, said in causes:
        key = (said[0].text.kind, said[0].text.confidence) if said else (None, None)
        members.setdefault(key, set()).add(number)
    shares = [CauseShare(kind, sure, frozenset(ids)) for (kind, sure), ids in members.items()]
    return sorted(shares, key=lambda s: (s.kind is None, -len(s.numbers), str(s.kind), str(s.confidence)))
