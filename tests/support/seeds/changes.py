"""Single rows and one change in a database, as the monitor writes them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from storage.accounts.accounts import NewAccount, add_accounts
from storage.changes.record import AccountStep, Recording, record_many
from storage.model.core.accounts import Account, AccountId, Platform
from storage.model.core.availability import Flag, Outcome, Reason, State, Status, Strength, kind_of
from storage.model.core.coverage import Batch, BatchOutcome, Roster, bitmap
from storage.model.core.known_state import Closed, Known, Pending, ReadingEffect
from storage.postgres.pool import Conn
from storage.readings import coverage, rosters
from tests.support.samples.readings import T0

HOUR = timedelta(hours=1)


DAY = timedelta(days=1)


AVAILABLE = State(Status.AVAILABLE)


WITHHELD = State(Status.WITHHELD, ("IN",))


SUSPENDED = State(Status.SUSPENDED)


PROTECTED = State(Status.PROTECTED)


NOT_FOUND = State(Status.NOT_FOUND)


DEACTIVATED = State(Status.DEACTIVATED)


@dataclass(slots=True)
class Story:
    """What was written, for a test to ask about."""

    now: datetime
    start: datetime
    sweep: timedelta
    outage: tuple[datetime, datetime]
    days: int
    lists: list[int] = field(default_factory=list)
    accounts: list[list[int]] = field(default_factory=list)
    """Account ids by list."""
    rosters: list[int] = field(default_factory=list)
    wave: list[int] = field(default_factory=list)
    """Accounts withheld and restored on the second day."""
    provisional: list[int] = field(default_factory=list)
    not_confirmed: int = 0
    executive: int = 0
    mails: list[int] = field(default_factory=list)
    never_read: int = 0
    """An account that no roster holds yet."""

    def at(self, share: float) -> datetime:
        """The moment after that share of the story."""
        return self.start + share * self.days * DAY

    def reading_before(self, at: datetime) -> datetime:
        """The last reading at or before `at`, and not inside the outage."""
        steps = (at - self.start) // self.sweep
        found = self.start + steps * self.sweep
        while self.outage[0] < found < self.outage[1]:
            found -= self.sweep
        return found

    def reading_after(self, at: datetime) -> datetime:
        found = self.reading_before(at) + self.sweep
        while self.outage[0] < found < self.outage[1]:
            found += self.sweep
        return found


async def happen(
    conn: Conn, story: Story, account_id: int, new: State, at: datetime, outcome: str | None = "confirmed"
) -> int:
    """A change somewhere around `at`, seen by the readings on both sides of it."""
    row = await conn.fetchrow(
        """
        select status, withheld_in from spell
        where account_id = $1 and upper_inf(valid) and upper_inf(recorded)
        """,
        account_id,
    )
    old = None if row is None else State(Status(row["status"]), tuple(row["withheld_in"]))
    seen = min(story.reading_after(at), story.reading_before(story.now))
    return await change(
        conn, story, account_id, old, new, story.reading_before(seen - HOUR / 60), seen, outcome
    )


async def change(
    conn: Conn,
    story: Story,
    account_id: int,
    old: State | None,
    new: State,
    last_seen_old: datetime | None,
    first_seen_new: datetime,
    outcome: str | None = "confirmed",
) -> int:
    """One change with what came of it, in the rows that the monitor would write. Returns its id."""
    strength = "weak" if new.status.is_gone else "strong"
    decided = first_seen_new + HOUR / 12
    change_id = await conn.fetchval(
        """
        insert into change (
            change_key, account_id, old_status, old_withheld_in, status, withheld_in, kind, strength,
            last_seen_old, first_seen_new, recorded_at, source
        ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, 'x') returning change_id
        """,
        f"{account_id}:{new.status}:{first_seen_new.isoformat()}",
        account_id,
        old.status.value if old else None,
        list(old.withheld_in) if old else [],
        new.status.value,
        list(new.withheld_in),
        kind_of(old, new).value,
        strength,
        last_seen_old,
        first_seen_new,
    )
    if outcome is None:
        await conn.execute(
            "insert into pending_change values ($1, $2, 1, $3, $4)",
            account_id,
            change_id,
            first_seen_new + HOUR,
            first_seen_new,
        )
        return change_id
    await conn.execute("delete from pending_change where change_id = $1", change_id)
    await confirm(conn, change_id, decided, outcome)
    return change_id


async def confirm(conn: Conn, change_id: int, decided: datetime, outcome: str = "confirmed") -> None:
    """End a provisional change. A confirmed one becomes a spell, and an alert unless it is a first look."""
    await conn.execute("delete from pending_change where change_id = $1", change_id)
    await conn.execute(
        "insert into change_outcome values ($1, $2, $3, $4, 2, $4)",
        change_id,
        outcome,
        "enough_strong" if outcome == "confirmed" else "went_back",
        decided,
    )
    if outcome != "confirmed":
        return
    await conn.execute(
        """
        with closed as (
            update spell s set recorded = tstzrange(lower(s.recorded), $2) from change c
            where c.change_id = $1 and s.account_id = c.account_id
                and upper_inf(s.valid) and upper_inf(s.recorded)
            returning s.*
        )
        insert into spell (account_id, change_id, status, withheld_in, onset_after, valid, recorded)
        select s.account_id, s.change_id, s.status, s.withheld_in, s.onset_after,
            tstzrange(lower(s.valid), c.first_seen_new), tstzrange($2, null)
        from closed s join change c on c.change_id = $1
        """,
        change_id,
        decided,
    )
    await conn.execute(
        """
        insert into spell (account_id, change_id, status, withheld_in, onset_after, valid, recorded)
        select account_id, change_id, status, withheld_in, last_seen_old, tstzrange(first_seen_new, null),
            tstzrange($2, null)
        from change where change_id = $1
        """,
        change_id,
        decided,
    )
    await conn.execute(
        "insert into alert (change_id, created_at) select change_id, $2 from change"
        " where change_id = $1 and kind <> 'baseline'",
        change_id,
        decided,
    )


LATENCY = timedelta(milliseconds=500)


async def enlist(
    conn: Conn, platform: Platform, native_ids: Sequence[str], lists: tuple[str, ...] = ()
) -> list[Account]:
    """Watched accounts with the handles h<native id>, in the order given."""
    await add_accounts(conn, [NewAccount(platform, i, f"h{i}", lists) for i in native_ids], T0)
    return [await account(conn, platform, i) for i in native_ids]


async def account(conn: Conn, platform: Platform, native_id: str) -> Account:
    row = await conn.fetchrow(
        "select account_id, handle from account where platform = $1 and native_id = $2",
        platform.value,
        native_id,
    )
    assert row is not None
    return Account(AccountId(row["account_id"]), platform, native_id, row["handle"])


async def roster_of(
    conn: Conn,
    accounts: Sequence[Account],
    canary_ids: Sequence[AccountId] = (),
    *,
    base: bool = True,
    vantage: str = "",
    place: str = "",
) -> Roster:
    platform = accounts[0].platform
    ids = [a.account_id for a in accounts]
    return await rosters.get_or_make(
        conn, platform, ids, canary_ids, T0, base=base, vantage=vantage, place=place
    )


def batch(
    roster: Roster,
    at: datetime,
    outcome: BatchOutcome = BatchOutcome.ANSWERED,
    *,
    answered: Sequence[bool] = (),
    silent: tuple[str, ...] = (),
) -> Batch:
    """One attempt that was asked half a second before `at`; without `answered` everybody answered."""
    return Batch(
        roster_id=roster.roster_id,
        slot=at,
        attempt=0,
        observed_at=at,
        outcome=outcome,
        missed_reason=None if outcome is BatchOutcome.ANSWERED else "network",
        answered=bitmap(answered),
        latency_ms=round(LATENCY.total_seconds() * 1000),
        silent=silent,
    )


async def read(conn: Conn, one: Batch) -> None:
    await coverage.ensure_month(conn, one.slot.date())
    assert await coverage.insert_batch(conn, one, one.observed_at)


async def become(
    conn: Conn,
    roster: Roster,
    account: Account,
    old: State | None,
    new: State,
    at: datetime,
    *,
    flags: frozenset[Flag] = frozenset(),
    evidence: bytes | None = None,
    confirmed: bool = True,
) -> None:
    """A reading at `at` showed another state, ten minutes after the last that did not."""
    before = at - timedelta(minutes=10)
    pending = Pending(new, Strength.STRONG, old and before, at, 1, at, at + timedelta(minutes=1), flags)
    closed = Closed(pending, Outcome.CONFIRMED, Reason.ENOUGH_STRONG) if confirmed else None
    known = Known(old, old and before, old and before)
    step = AccountStep(
        account,
        known,
        ReadingEffect(known, opened=pending, confirmed=closed),
        evidence and b"old " + evidence,
        evidence,
    )
    await coverage.ensure_month(conn, at.date())
    assert await record_many(conn, [Recording(batch(roster, at), [step], (), ())], lambda: at) == [True]
