"""A small table of our own changes in memory: what `storage.changes.corrections` does, without a database."""

from collections.abc import Sequence
from dataclasses import replace

from collectors.x.declaration import X
from jobs.detect.confirmation import ConfirmationRule
from jobs.detect.redetect import ConfirmedOn, corrections, redetect
from jobs.detect.transitions import completed, step
from storage.model.bitemporal.corrections import CorrectionInput, OwnChange, RecomputedChange, TimedReading
from storage.model.core.accounts import Account, AccountId
from storage.model.core.availability import Outcome, Reason, State, change_key
from storage.model.core.known_state import Known, Pending

RULE = ConfirmationRule()
ACCOUNT = Account(AccountId(1), X, "1", "one")


class Table:
    """The rows of one account, and the readings that were ever stored."""

    def __init__(self) -> None:
        self.rows: list[OwnChange] = []
        self.superseded: set[int] = set()
        self.readings: list[TimedReading] = []

    @property
    def standing(self) -> list[OwnChange]:
        return [r for r in self.rows if r.change_id not in self.superseded]

    def arrive(self, late: Sequence[TimedReading]) -> None:
        """Take in readings that came together."""
        for asked in late:
            ground = CorrectionInput(
                ACCOUNT, True, (), Known(), frozenset(), tuple(self.readings), self.standing
            )
            told = redetect([ground], {ACCOUNT.account_id: asked}, ConfirmedOn({}), RULE)[ACCOUNT.account_id]
            self._write(told)
            self.readings.append(asked)

    def _write(self, told: Sequence[RecomputedChange]) -> None:
        found = corrections(self.standing, told)
        for t, superseded in found.added:
            if superseded is not None:
                self.superseded.add(superseded.change_id)
            self._add(t)
        for t, stored in found.settled:
            self.rows = [_settled(r, t) if r.change_id == stored.change_id else r for r in self.rows]
        for stored in found.annulled:
            self.superseded.add(stored.change_id)
            annulled = replace(stored, outcome=Outcome.NOT_CONFIRMED, reason=Reason.CORRECTED)
            self.rows.append(replace(annulled, change_id=len(self.rows)))

    def _add(self, t: RecomputedChange) -> None:
        p = t.pending
        row = OwnChange(
            change_id=len(self.rows),
            account_id=ACCOUNT.account_id,
            change_key=change_key(ACCOUNT.platform, ACCOUNT.native_id, p.state, p.first_seen_new),
            old=t.old,
            new=p.state,
            kind=t.kind,
            strength=p.strength,
            flags=p.flags,
            last_seen_old=p.last_seen_old,
            first_seen_new=p.first_seen_new,
            outcome=None,
            reason=None,
            readings=p.agreeing,
            last_agreeing_at=p.last_agreeing_at,
            old_evidence=None,
            new_evidence=None,
        )
        self.rows.append(_settled(row, t))


def _settled(row: OwnChange, t: RecomputedChange) -> OwnChange:
    return replace(
        row,
        outcome=t.closed and t.closed.outcome,
        reason=t.closed and t.closed.reason,
        readings=t.pending.agreeing,
        last_agreeing_at=t.pending.last_agreeing_at,
    )


Row = tuple[State | None, Pending, Outcome | None, Reason | None]


def reference(readings: Sequence[TimedReading]) -> list[Row]:
    """What a plain loop over the sorted readings tells: the changes in the order of time."""
    known, rows = Known(), list[Row]()
    for asked in readings:
        reading = completed(known, asked.reading)
        if reading is None:
            continue
        s = step(known, reading, asked.asked_at, RULE, cohort_active=False)
        for closed in (s.refuted, s.confirmed):
            if closed is not None:
                rows.append((known.state, closed.pending, closed.outcome, closed.reason))
        known = s.known
    if known.pending is not None:
        rows.append((known.state, known.pending, None, None))
    return rows


def rows_of(table: Table) -> list[Row]:
    """The same of the rows that stand, annulled ones left out."""
    found = [
        (
            r.old,
            Pending(
                r.new,
                r.strength,
                r.last_seen_old,
                r.first_seen_new,
                r.readings,
                r.last_agreeing_at,
                RULE.next_read_at(r.readings, r.first_seen_new, r.last_agreeing_at),
                r.flags,
            ),
            r.outcome,
            r.reason,
        )
        for r in table.standing
        if not r.is_annulled
    ]
    return sorted(found, key=lambda row: row[1].first_seen_new)
