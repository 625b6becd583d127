"""One change in a database, in the rows that the monitor writes."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from storage.model.core.availability import State, Status, kind_of
from storage.postgres.pool import Conn

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
