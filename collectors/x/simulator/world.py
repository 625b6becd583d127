"""Pure: X as it stands at a moment of a history: who is visible how, under which handle, with which posts.

Answers are put together from JSON fragments that are built once per state of an account, because a
rehearsal asks for millions of accounts.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.history import History, HistoryAccount, settled
from collectors.simulator.history_clock import HistoryClock
from collectors.x.declaration import DECLARATION, X, post_id, post_of
from collectors.x.simulator.payloads import AVAILABLE, Fragment, dumps, not_found, suspended, user
from storage.model.core.availability import State, Status
from storage.model.core.signals import SignalKind

_NOT_FOUND = State(Status.NOT_FOUND)
_FOLLOWING = {SignalKind.FOLLOW, SignalKind.UNFOLLOW}


def visible(state: State) -> State:
    """What X lets an outsider see of the true `state`.

    It answers "could not find user" for a deactivated and for a deleted account alike (recorded).
    """
    return _NOT_FOUND if state.status is Status.DEACTIVATED else state


def visible_post(state: State) -> State:
    """What X lets an outsider see of the true `state` of a post: not why one is gone (recalled)."""
    return state if state.status in DECLARATION.post_statuses else _NOT_FOUND


class XWorld:
    """The state of X at `now`, moved by `move_to` in either direction."""

    def __init__(self, history: History, acts: Sequence[SimulatedAct], now: datetime) -> None:
        """An actor, or somebody followed, whom the history does not know is always available."""
        ours = {a.native_id: a for a in history.accounts if a.platform is X}
        known = {native_id: a for native_id, a in ours.items() if post_of(native_id) is None}
        self._posts: Mapping[str, HistoryAccount] = {i: a for i, a in ours.items() if i not in known}
        follows = [act for act in acts if act.kind in _FOLLOWING]
        for native_id in dict.fromkeys(
            [*(act.actor_id for act in acts), *(act.target_id or "" for act in follows)]
        ):
            if native_id not in known:
                known[native_id] = settled(X, native_id, [(now, AVAILABLE, f"acct_{native_id}")])
        self._accounts: Mapping[str, HistoryAccount] = known
        self._clock = HistoryClock(known.values(), now, ((act.at, act.actor_id) for act in follows))
        shown = (act for act in acts if act.kind is not SignalKind.LIKE and act.kind not in _FOLLOWING)
        self._acts = {actor: tuple(own) for actor, own in groupby(shown, key=lambda act: act.actor_id)}
        self._follows = _by_actor(follows)
        self._likes = _by_actor(act for act in acts if act.kind is SignalKind.LIKE)
        self._fragments: dict[tuple[frozenset[str], str], dict[str, Fragment]] = {}
        self._handles: dict[str, str] | None = None

    @property
    def now(self) -> datetime:
        return self._clock.now

    def move_to(self, now: datetime) -> None:
        """Set the time; fragments of accounts that changed in between are dropped."""
        changed = self._clock.move_to(now)
        for fragments in self._fragments.values():
            for native_id in changed:
                fragments.pop(native_id, None)
        if changed:
            self._handles = None

    def state(self, native_id: str) -> State:
        """What X shows of an account; one that it does not know is not found."""
        account = self._accounts.get(native_id)
        return State(Status.NOT_FOUND) if account is None else visible(account.at(self.now))

    def post(self, number: str) -> HistoryAccount | None:
        """A post of the history; None if there is none of this number."""
        return self._posts.get(post_id(number))

    def true_state(self, native_id: str, at: datetime) -> State:
        """What X itself knows of an account: it tells a deactivated one from a deleted one."""
        account = self._accounts.get(native_id)
        return State(Status.NOT_FOUND) if account is None else account.at(at)

    def handle(self, native_id: str) -> str:
        """The handle of an account that the world knows."""
        return self._accounts[native_id].handle_at(self.now)

    def id_of(self, handle: str) -> str | None:
        """The account that has `handle` now and is not gone, in any case of letters."""
        if self._handles is None:
            self._handles = {a.handle_at(self.now).lower(): a.native_id for a in self._accounts.values()}
        native_id = self._handles.get(handle.lower())
        return None if native_id is None or self.state(native_id).status.is_gone else native_id

    def fragment(self, native_id: str, parameter: str, fields: Collection[str], host: str) -> Fragment:
        """What a lookup by id says of the account."""
        state = self.state(native_id)
        if state.status is Status.SUSPENDED:
            return Fragment(True, dumps(suspended(parameter, native_id, host)))
        if state.status is Status.NOT_FOUND:
            return Fragment(True, dumps(not_found(parameter, native_id, host)))
        following = len(self.follows(native_id)) if native_id in self._follows else None
        return Fragment(False, dumps(user(native_id, self.handle(native_id), state, fields, following)))

    def by_handle(self, handle: str, fields: Collection[str], host: str) -> Fragment:
        """What a lookup by handle says."""
        native_id = self.id_of(handle)
        if native_id is None:
            return Fragment(True, dumps(not_found("usernames", handle, host)))
        if self.state(native_id).status is Status.SUSPENDED:
            return Fragment(True, dumps(suspended("usernames", handle, host)))
        return self.fragment(native_id, "ids", fields, host)

    def look_up(self, ids: Sequence[str], fields: frozenset[str], host: str) -> list[Fragment]:
        """What a lookup says of each id, in order."""
        made = self._fragments.setdefault((fields, host), {})
        found: list[Fragment] = []
        for native_id in ids:
            fragment = made.get(native_id)
            if fragment is None:
                fragment = made[native_id] = self.fragment(native_id, "ids", fields, host)
            found.append(fragment)
        return found

    def posts(self, actor_id: str, since_id: int, below_id: int) -> list[SimulatedAct]:
        """What the actor had posted by now, with `since_id` < id < `below_id`, newest first."""
        acts = self._acts.get(actor_id, ())
        return [
            act for act in reversed(acts) if act.at <= self.now and since_id < int(act.post_id) < below_id
        ]

    def follows(self, actor_id: str) -> list[str]:
        """Whom the actor follows now, newest first. X shows nobody who is suspended or gone (recalled)."""
        followed: dict[str, None] = {}
        for act in self._follows.get(actor_id, ()):
            if act.at > self.now or act.target_id is None:
                continue
            followed.pop(act.target_id, None)
            if act.kind is SignalKind.FOLLOW:
                followed[act.target_id] = None
        hidden = {Status.SUSPENDED, Status.NOT_FOUND}
        return [target for target in reversed(followed) if self.state(target).status not in hidden]

    def likes(self, actor_id: str) -> list[SimulatedAct]:
        """What the actor had liked by now, the newest like first."""
        return [act for act in reversed(self._likes.get(actor_id, ())) if act.at <= self.now]


def _by_actor(acts: Iterable[SimulatedAct]) -> dict[str, tuple[SimulatedAct, ...]]:
    """The acts of each actor in the order of time."""
    found: dict[str, list[SimulatedAct]] = {}
    for act in sorted(acts, key=lambda act: act.at):
        found.setdefault(act.actor_id, []).append(act)
    return {actor: tuple(own) for actor, own in found.items()}
