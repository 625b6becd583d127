"""What must be so after every fault: nothing false, no reading lost, no mail lost or doubled."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from asyncpg import Record

from jobs.rehearsal import scoring
from storage.postgres.pool import open_pool, transaction
from storage.readings import rehearsal_readback
from tests.faults.installation import Installation

_COVERAGE = "select roster_id, observed_at, outcome from coverage"
_MAILS = """
    select a.alert_id, ac.native_id, c.status, m.message_id, m.state
    from alert a join change c using (change_id) join account ac using (account_id)
    left join mail_alert using (alert_id) left join mail m using (mail_id)
    where a.decision in ('mailed', 'grouped') order by a.alert_id
"""
_WAITING = """
    select (select count(*) from alert where decided_at is null)
        + (select count(*) from mail where state not in ('sent', 'dead'))
        + (select count(*) from operator_condition where ended_at is null)
"""
_FIRST = "select count(distinct account_id) from spell"
_OPEN = "select sentence from operator_condition where ended_at is null order by condition_id"


@dataclass
class Judge:
    """Compares an installation with the truth, again and again; a fault is charged with what is new."""

    here: Installation
    _known: set[str] = field(default_factory=set[str])
    acknowledged: set[tuple[object, ...]] = field(default_factory=set[tuple[object, ...]])
    changes: int = 0
    """True changes that were found so far."""
    came: dict[str, int] = field(default_factory=dict[str, int])
    """How often each Message-ID has come."""

    async def forget_operators(self) -> None:
        """As after half an hour: until then operators get no other email."""
        await self.here.query("delete from operator_condition where ended_at is not null")

    async def take_stock(self) -> None:
        """Keep what is stored now: none of it may be gone later."""
        self.acknowledged |= {tuple(r) for r in await self.here.query(_COVERAGE)}

    async def is_whole(self) -> bool:
        """Whether every account was read, and the dashboard answers."""
        (first,) = await self.here.query(_FIRST)
        ready, _ = await self.here.get("/readyz")
        return first[0] >= len(self.here.history.accounts) and ready == 200 and not (await self._waiting())

    async def _waiting(self) -> int:
        return (await self.here.query(_WAITING))[0][0]

    async def is_settled(self, began: datetime, ended: datetime) -> bool:
        """Whether all that changed in that time was found and mailed, and no issue is open."""
        return not await self.missing(began, ended) and not await self._waiting()

    async def missing(self, began: datetime, ended: datetime) -> list[str]:
        """The last change of each account in that time, if it was not found. Nobody can see those before it
        where the host is suspended for hours; the whole history is held against the truth afterwards.
        """
        found = {(c.native_id, c.new) for c in await self._confirmed()}
        last = {
            i: (at, state)
            for i, line in self._lines().items()
            for at, state in zip(line.times[1:], line.states[1:], strict=True)
            if began < at <= ended
        }
        return [
            f"{i} became {state} at {at:%H:%M:%S} and this was not found"
            for i, (at, state) in last.items()
            if (i, state) not in found
        ]

    async def unsettled(self, began: datetime, ended: datetime) -> list[str]:
        """What still waits."""
        waiting = [f"open: {r['sentence']}" for r in await self.here.query(_OPEN)]
        mails = await self.here.query(
            "select state, last_error, count(*) from mail where state not in ('sent', 'dead') group by 1, 2"
        )
        return [*await self.missing(began, ended), *waiting, *(str(tuple(m)) for m in mails)]

    def repeats(self) -> list[str]:
        """The Message-IDs that came again since this was last asked."""
        times = Counter(self.here.desk.accepted)
        again = sorted(i for i, n in times.items() if n > self.came.get(i, 1))
        self.came = {i: max(n, 1) for i, n in times.items()}
        return again

    async def news(self) -> list[str]:
        """What is wrong and was not before."""
        found = [*await self._false(), *await self._lost(), *await self._mails()]
        new = [one for one in found if one not in self._known]
        self._known.update(new)
        return new

    def _lines(self) -> Mapping[str, scoring.StatusTimeline]:
        return {a.native_id: scoring.shown(a) for a in self.here.history.accounts}

    async def _confirmed(self) -> list[rehearsal_readback.Confirmed]:
        async with open_pool(self.here.server.dsn, max_size=1) as pool, transaction(pool) as conn:
            return await rehearsal_readback.confirmed_changes(conn)

    async def _false(self) -> list[str]:
        async with open_pool(self.here.server.dsn, max_size=1) as pool, transaction(pool) as conn:
            confirmed = await rehearsal_readback.confirmed_changes(conn)
            silences = await rehearsal_readback.silences(conn)
        lines = self._lines()
        believed = [scoring.as_believed(c) for c in confirmed if c.native_id in lines]
        verdict = scoring.hold_against_truth(
            lines, (), believed, self.here.began, self.here.began + timedelta(days=30), silences=silences
        )
        self.changes = verdict.detected
        return [
            *(f"a false change: {c}" for c in verdict.false),
            *(f"an interval without the true time: {c}" for c in verdict.wrong_interval),
        ]

    async def _lost(self) -> list[str]:
        now = {tuple(r) for r in await self.here.query(_COVERAGE)}
        lost = self.acknowledged - now
        return [f"{len(lost)} acknowledged requests are gone, such as {min(lost, key=str)}"] if lost else []

    async def _mails(self) -> list[str]:
        place: dict[str, int] = {}
        for number, message_id in enumerate(self.here.desk.accepted):
            place.setdefault(message_id, number)
        rows = await self.here.query(_MAILS)
        lost = [r for r in rows if r["message_id"] not in place]
        return [
            *(f"{r['native_id']} {r['status']} is in two emails" for r in in_two_emails(rows)),
            *(f"no mail came about {r['native_id']} {r['status']} ({r['state']})" for r in lost),
            *out_of_order(rows, place),
        ]


def in_two_emails(rows: list[Record]) -> list[Record]:
    """Alerts that are in more than one email."""
    times = Counter(r["alert_id"] for r in rows)
    return [r for r in rows if times[r["alert_id"]] > 1]


def out_of_order(rows: list[Record], place: Mapping[str, int]) -> list[str]:
    """Accounts of which the last mail is not about the last change."""
    last: dict[str, Record] = {}
    wrong: dict[str, str] = {}
    for row in rows:
        before = last.get(row["native_id"])
        if before is not None and place.get(before["message_id"], -1) > place.get(row["message_id"], 0):
            wrong[row["native_id"]] = f"the last mail about {row['native_id']} is not about its last change"
        last[row["native_id"]] = row
    return list(wrong.values())
