"""Pure: a file of what executives did, which a simulator shows on their timelines.

Columns `actor_id,at,kind,post_id,target_id,target_author_id`; the last two are empty for a post.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from collectors.simulator.history import HistoryError, moment, records
from storage.model.core.signals import SignalKind

COLUMNS = ("actor_id", "at", "kind", "post_id", "target_id", "target_author_id")

_NEED_TARGET = {SignalKind.REPOST, SignalKind.QUOTE, SignalKind.REPLY}
_KINDS = _NEED_TARGET | {SignalKind.POST, SignalKind.LIKE}


@dataclass(frozen=True, slots=True)
class SimulatedAct:
    """One act of one executive. A like is part of the truth, though X shows it to nobody.

    `post_id` of a like is the post that was liked.
    """

    actor_id: str
    at: datetime
    kind: SignalKind
    post_id: str
    target_id: str | None
    target_author_id: str | None


def parse_acts(lines: Iterable[str], name: str) -> tuple[SimulatedAct, ...]:
    """The acts in the lines of a file called `name`, ordered by actor and post. Raises HistoryError.

    Ids of posts must grow with time for each actor, as they do on X: a timeline is paged by them.
    """
    found: dict[tuple[str, bool, int], tuple[str, SimulatedAct]] = {}
    for where, row in records(lines, name, COLUMNS):
        act = _act(row, where)
        key = act.actor_id, act.kind is SignalKind.LIKE, int(act.post_id)
        if key in found:
            raise HistoryError(
                f"{where}: actor {act.actor_id} has two engagements with post id {act.post_id}."
            )
        found[key] = where, act
    ordered = [found[key] for key in sorted(found)]
    for (_, older), (where, newer) in pairwise(ordered):
        paged_together = older.actor_id == newer.actor_id and newer.kind is not SignalKind.LIKE
        if paged_together and newer.at < older.at:
            raise HistoryError(
                f"{where}: post {newer.post_id} is older than a post with a smaller id by the same actor."
            )
    return tuple(act for _, act in ordered)


def _act(row: list[str], where: str) -> SimulatedAct:
    actor_id, at, kind_text, post_id, target_id, target_author_id = row
    try:
        kind = SignalKind(kind_text)
    except ValueError as e:
        raise HistoryError(f"{where}: unknown kind of engagement {kind_text!r}.") from e
    if kind not in _KINDS:
        raise HistoryError(f"{where}: a simulator cannot show an engagement of kind {kind}.")
    for text in filter(None, (actor_id or "?", post_id or "?", target_id, target_author_id)):
        if not (text.isascii() and text.isdigit() and len(text) <= 19):
            raise HistoryError(f"{where}: {text!r} is not an id of X.")
    if kind in _NEED_TARGET and not target_id:
        raise HistoryError(f"{where}: a {kind} needs a target.")
    return SimulatedAct(
        actor_id, moment(at, where), kind, post_id, target_id or None, target_author_id or None
    )
