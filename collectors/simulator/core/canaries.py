"""Pure: the control accounts that every simulator serves beside the history it plays."""

from datetime import UTC, datetime
from typing import Final

from collectors.simulator.core.history import History, HistoryAccount
from collectors.simulator.core.mastodon_ids import actor_of
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status

_BIRTH: Final = datetime(2010, 1, 1, tzinfo=UTC)


def _canary(platform: Platform, native_id: str, handle: str, status: Status) -> HistoryAccount:
    return HistoryAccount(platform, native_id, (_BIRTH,), (State(status),), (_BIRTH,), (handle,))


CANARIES: Final = (
    _canary(Platform.X, "8999999999999999901", "blockline_stable_1", Status.AVAILABLE),
    _canary(Platform.X, "8999999999999999902", "blockline_stable_2", Status.AVAILABLE),
    _canary(Platform.X, "8999999999999999903", "blockline_suspended", Status.SUSPENDED),
)
"""Those of X. Their ids are beyond any that the platform has given out."""

BLUESKY_CANARIES: Final = (
    _canary(
        Platform.BLUESKY, "did:plc:blocklinestable222222222", "stable-1.blockline.test", Status.AVAILABLE
    ),
    _canary(
        Platform.BLUESKY, "did:plc:blocklinestable333333333", "stable-2.blockline.test", Status.AVAILABLE
    ),
    _canary(
        Platform.BLUESKY, "did:plc:blocklinetakendown222222", "taken-down.blockline.test", Status.SUSPENDED
    ),
)


_OF_EACH_SERVER: Final = (
    ("1", "blockline_stable_1", Status.AVAILABLE),
    ("2", "blockline_stable_2", Status.AVAILABLE),
    ("3", "blockline_suspended", Status.SUSPENDED),
)


def canaries_of(platform: Platform, history: History) -> tuple[HistoryAccount, ...]:
    """The control accounts of a platform: two that stay available and one that stays suspended. On Mastodon
    each server that holds an account of the history has its own, since each answers for itself alone.
    """
    if platform is Platform.X:
        return CANARIES
    if platform is Platform.BLUESKY:
        return BLUESKY_CANARIES
    actors = [actor_of(a.native_id) for a in history.accounts if a.platform is Platform.MASTODON]
    return tuple(
        _canary(platform, f"{origin}/users/{name}#{local_id}", f"{name}@{host}", status)
        for host, origin in {actor.host: actor.origin for actor in actors}.items()
        for local_id, name, status in _OF_EACH_SERVER
    )


def with_canaries(history: History) -> History:
    """The history with the control accounts of its platforms added.

    Raises ValueError when it uses one of their ids.
    """
    platforms = {account.platform for account in history.accounts}
    added = [c for platform in Platform if platform in platforms for c in canaries_of(platform, history)]
    taken = {a.native_id for a in history.accounts} & {c.native_id for c in added}
    if taken:
        raise ValueError(f"the history uses ids of control accounts: {', '.join(sorted(taken))}")
    return History((*history.accounts, *added), history.notes)
