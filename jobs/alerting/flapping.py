"""Flapping accounts. One email reports that an account is flapping. Further changes of the account are not
sent for a while. Pure.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import groupby
from typing import TypeAlias

from storage.model.alerts.alerts import PastAlert
from storage.model.alerts.rules import Digest, StoredRule

Changes: TypeAlias = dict[str, tuple[PastAlert, ...]]


def flapping(
    recent: Iterable[PastAlert], stored: StoredRule, to_tell: Collection[str]
) -> tuple[Changes, set[str]]:
    """Return the changes whose email reports that an account is flapping, and the keys of the changes that
    are not sent. Both are empty for a rule with a digest.

    An account is flapping if it has changed at least `flapping_changes` times within the last
    `flapping_period`. The rule then sends one change, and the email reports the flapping. For one
    `flapping_period` after that change, no other change is sent while the account is flapping.

    In the first result, each key is the key of a change whose email reports flapping. The value holds the
    account's changes that this email lists. `to_tell` holds the keys of the changes that the rule would send
    now.
    """
    # A digest has room for every change. If it left some out, it could not say that nothing happened.
    return _judge(recent, stored, to_tell) if stored.rule.digest is Digest.NONE else ({}, set())


def _judge(
    recent: Iterable[PastAlert], stored: StoredRule, to_tell: Collection[str]
) -> tuple[Changes, set[str]]:
    rule = stored.rule
    opening: Changes = {}
    flapping: set[str] = set()
    counted = sorted(
        (p for p in recent if p.change.kind in rule.match.kinds),
        key=lambda p: (p.change.account_id, p.created_at, p.change.change_key),
    )
    for _, group in groupby(counted, key=lambda p: p.change.account_id):
        history = tuple(group)
        told_at: datetime | None = None
        for i, past in enumerate(history):
            since = past.created_at - rule.flapping_period
            changes = tuple(p for p in history[: i + 1] if p.created_at > since)
            if len(changes) < rule.flapping_changes:
                continue
            if told_at is not None and told_at > since:
                flapping.add(past.change.change_key)
            elif _is_told(past, stored.rule_id) or past.change.change_key in to_tell:
                opening[past.change.change_key] = changes
                told_at = past.created_at
    return opening, flapping


def _is_told(past: PastAlert, rule_id: int) -> bool:
    said = past.decisions.get(rule_id)
    return said is not None and said.is_sent
