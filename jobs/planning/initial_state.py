"""Pure: what the planner starts from: each account as it was when last read, and who is on which list."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from jobs.detect.judge import TrackedAccount
from jobs.planning.change_rates import NEVER, Accounts, Positions
from jobs.planning.sweep import Attempt
from storage.model.core.accounts import AccountId, ListId
from storage.model.core.availability import State
from storage.model.core.coverage import BatchOutcome, Roster


def as_last_read(
    watched: Sequence[TrackedAccount],
    changed_at: Mapping[AccountId, float],
    asked_at: Mapping[AccountId, float],
    never: float,
) -> Accounts:
    """In the order of `watched`; who was never read counts as read at `never`."""
    ids = [w.account.account_id for w in watched]
    accounts = Accounts(
        np.array([read_at(w, never) for w in watched]),
        np.array([changed_at.get(account_id, NEVER) for account_id in ids]),
        np.array([is_closed(w.known.state) for w in watched], np.int8),
    )
    asked = np.array([asked_at.get(account_id, NEVER) for account_id in ids])
    accounts.asked_at = np.maximum(accounts.read_at, asked)
    return accounts


def asked_in_turn(base: Sequence[Roster], stored: Mapping[int, Attempt]) -> dict[AccountId, float]:
    """When each account was asked for with its base roster, where its newest attempt was answered."""
    return {
        account_id: last.at.timestamp()
        for roster in base
        if (last := stored.get(roster.roster_id)) is not None and last.outcome is BatchOutcome.ANSWERED
        for account_id in roster.account_ids
    }


def members_by_list(watched: Sequence[TrackedAccount]) -> dict[int, Positions]:
    """Their positions among `watched`."""
    members: defaultdict[ListId, list[int]] = defaultdict(list)
    for at, w in enumerate(watched):
        for list_id in w.lists:
            members[list_id].append(at)
    return {list_id: np.array(members[list_id], np.intp) for list_id in sorted(members)}


def read_at(watched: TrackedAccount, never: float) -> float:
    at = watched.known.last_read_at
    return never if at is None else at.timestamp()


def is_closed(state: State | None) -> int:
    return int(state is not None and (state.status.is_gone or state.status.is_blocked))
