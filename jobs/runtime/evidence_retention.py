"""Remove the raw evidence that no list keeps any more, once a day."""

import logging
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from jobs.base.wording import number
from storage.accounts.evidence_retention import Cutoff, ListRule, expire, list_rules, log_run
from storage.postgres.pool import Pool, transaction

log = logging.getLogger(__name__)

_LONGEST = 36_500
_PIECES = 2000
"""The most pieces removed in one transaction, so that others do not wait for long."""


def parse_keeping(text: str) -> int | None:
    """Days to keep; None means forever. Raises ValueError with a message."""
    if text == "forever":
        return None
    found = re.fullmatch(r"([0-9]{1,6})d", text)
    days = int(found[1]) if found else 0
    if not 1 <= days <= _LONGEST:
        raise ValueError(f"{text!r} is not a retention time. Write 1d to {_LONGEST}d, or forever.")
    return days


def cutoffs(rules: Sequence[ListRule], now: datetime) -> list[Cutoff]:
    """For each list, the time before which its evidence is no longer kept; None keeps all of it."""
    kept = [(rule.list_id, rule.days_kept) for rule in rules]
    return [Cutoff(i, days, None if days is None else now - timedelta(days=days)) for i, days in kept]


async def keep_to_lists(pool: Pool, now: datetime) -> None:
    """Remove the evidence that no list keeps any more, and log the run. Raises StorageError."""
    async with transaction(pool) as conn:
        cut = cutoffs(await list_rules(conn), now)
    if all(c.before is None for c in cut):
        return
    pieces: dict[int, int] = {}
    while True:
        async with transaction(pool) as conn:
            gone = await expire(conn, cut, now, _PIECES)
        if not gone:
            break
        for list_id, n in gone.items():
            pieces[list_id] = pieces.get(list_id, 0) + n
    async with transaction(pool) as conn:
        await log_run(conn, cut, pieces, now)
    if pieces:
        removed = sum(pieces.values())
        log.info(
            "%s of evidence removed, as the retention of the lists requires; the hashes are kept.",
            number(removed, "piece"),
            extra={"event": "evidence_expired", "pieces": removed},
        )
