"""What has to be so of an installation, whatever happened to it; each check gives what is wrong."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from asyncpg import Record

from storage.model.core.availability import State, Status
from tests.truth.installation import RECIPIENT, Installation, Look
from tests.truth.invented_truth import Timeline

_CHANGES = """
    select a.native_id, c.change_id, c.kind, c.old_status, c.old_withheld_in, c.status, c.withheld_in,
        c.last_seen_old, c.first_seen_new, c.flags, o.outcome, o.reason
    from standing_change c join account a using (account_id) left join change_outcome o using (change_id)
    order by a.native_id, c.first_seen_new, c.change_id
"""


async def false_changes(here: Installation) -> list[str]:
    """Changes that are told, confirmed or not, of which the truth knows nothing in their interval. One that
    was overtaken claims nothing: its answer may be older than those that came in before it.
    """
    wrong: list[str] = []
    for r in await here.pool.fetch(_CHANGES):
        if (
            r["kind"] == "baseline"
            or r["reason"] in {"corrected", "overtaken"}
            or r["native_id"] not in here.platform.timelines
        ):
            continue
        truth = here.platform.timelines[r["native_id"]]
        if truth.began(_old(r), _new(r), r["last_seen_old"], r["first_seen_new"]):
            continue
        if not _misled(here.looks[r["native_id"]], truth, r):
            wrong.append(f"{r['native_id']}: {_line(r)}; the truth: {truth}")
    return wrong


def _misled(looks: Sequence[Look], truth: Timeline, r: Record) -> bool:
    """Whether the platform is to blame, and nothing had announced the change: an answer out of date was the
    first to show the new state, or showed the old one before any other answer had shown the new one.
    """
    if any(look.out_of_date and look.at == r["first_seen_new"] for look in looks):
        return True
    bounds = [look for look in looks if look.asked_at == r["last_seen_old"] and look.out_of_date]
    begun = max((at for at in truth.since if at <= r["first_seen_new"]), default=None)
    return any(
        begun is not None and not any(begun < look.at < bound.at and look.state == _new(r) for look in looks)
        for bound in bounds
    )


async def differences(here: Installation) -> list[str]:
    """Where memory and database differ."""
    held, stored = await here.held(), await here.stored()
    return [
        f"{i}: {name} held {getattr(mine, name)}, stored {getattr(stored.get(i), name, None)}"
        for i, mine in held.items()
        for name in ("state", "last_read_at", "last_asked_at", "pending", "heard", "unsettled")
        if getattr(mine, name) != getattr(stored.get(i), name, None)
    ]


async def rewritten(here: Installation) -> list[str]:
    """What was shown at a moment and is not what is said now of that moment."""
    return [
        f"shown at {s.at}: {s.shown}\n now said: {now}"
        for s in here.snapshots
        if (now := await here.shown(s.at)) != s.shown
    ]


async def wrong_states(here: Installation) -> list[str]:
    """Watched accounts that do not stand confirmed in the state in which they really are."""
    stored = await here.stored()
    now = here.clock()
    return [
        f"{i} is {truth} and stands as {known}"
        for i, known in stored.items()
        if known is not None
        and (truth := here.platform.timelines[i].at(now)) != known.state
        and (known.state is None or _heard(truth, here) != known.state)
    ]


def _heard(truth: State, here: Installation) -> State:
    countries = tuple(c for c in truth.withheld_in if c in (here.platform.spoken_of or ()))
    if truth.status is not Status.WITHHELD:
        return truth
    return State(Status.WITHHELD, countries) if countries else State(Status.AVAILABLE)


async def wrong_words(here: Installation) -> list[str]:
    """What is wrong about the mails of one recipient, read as they arrived: a thing said twice, a provisional
    change whose end is not told, a last word that is not what is known.
    """
    place = {m.message_id: n for n, m in enumerate(here.mailbox.mails)}
    rows = await here.pool.fetch(
        """
        with recursive told as (
            select change_id, change_id as first_told from change where supersedes is null
            union all
            select c.change_id, t.first_told from change c join told t on c.supersedes = t.change_id
        )
        select m.message_id, a.alert_id, a.stage, c.change_key, t.first_told, ac.native_id, c.status,
            c.withheld_in, c.first_seen_new
        from mail m join mail_alert using (mail_id) join alert a using (alert_id)
        join change c using (change_id) join told t using (change_id) join account ac using (account_id)
        where $1 = any(m.recipients)
        """,
        RECIPIENT,
    )
    # One mail says one thing of a change: the newest.
    words = {(r["message_id"], r["change_key"]): r for r in sorted(rows, key=lambda r: r["alert_id"])}
    sent = [r for r in words.values() if r["message_id"] in place]
    told: defaultdict[str, list[Record]] = defaultdict(list)
    for r in sorted(sent, key=lambda r: (place[r["message_id"]], r["alert_id"])):
        told[r["native_id"]].append(r)
    wrong = [f"mail {i} was accepted {n} times" for i, n in here.mailbox.accepted.items() if n > 1]
    now = {r["native_id"]: r for r in await here.pool.fetch(_LAST_CONFIRMED)}
    for native_id, theirs in told.items():
        wrong += [f"{native_id}: {said}" for said in (*_twice(theirs), *_without_end(theirs))]
        standing = [r for r in theirs if _last_stage(theirs, r["change_key"]) == "confirmed"]
        last = max(standing, key=lambda r: r["first_seen_new"], default=None)
        known = now.get(native_id)
        if last is None or known is None or known["decision"] not in {"mailed", "grouped"}:
            continue
        if last["change_key"] != known["change_key"]:
            wrong.append(f"{native_id}: the last word is {dict(last)}, and known is {dict(known)}")
    return wrong


_LAST_CONFIRMED = """
    select distinct on (ac.native_id) ac.native_id, c.change_key, c.status, c.withheld_in, al.decision
    from standing_change c join change_outcome o using (change_id) join account ac using (account_id)
    left join alert al on al.change_id = c.change_id and al.stage = 'confirmed'
    where o.outcome = 'confirmed' and c.kind <> 'baseline'
    order by ac.native_id, c.first_seen_new desc
"""


def _last_stage(theirs: list[Record], change_key: str) -> str:
    return [r["stage"] for r in theirs if r["change_key"] == change_key][-1]


def _without_end(theirs: list[Record]) -> Iterator[str]:
    """Provisional changes that were told, and not how they ended."""
    for first_told in {r["first_told"] for r in theirs}:
        if [r["stage"] for r in theirs if r["first_told"] == first_told][-1] == "provisional":
            yield f"change {first_told} was told as provisional, and not how it ended"


def _twice(theirs: list[Record]) -> Iterator[str]:
    last: dict[str, str] = {}
    for r in theirs:
        if last.get(r["change_key"]) == r["stage"]:
            yield f"{r['stage']} {r['status']} of {r['first_seen_new']} was told twice"
        last[r["change_key"]] = r["stage"]


def _old(r: Record) -> State:
    return State(Status(r["old_status"]), tuple(r["old_withheld_in"]))


def _new(r: Record) -> State:
    return State(Status(r["status"]), tuple(r["withheld_in"]))


def _line(r: Record) -> str:
    times: tuple[datetime | None, datetime] = r["last_seen_old"], r["first_seen_new"]
    return f"{r['kind']} {_old(r)} to {_new(r)} in {times} {r['flags']} {r['outcome']} {r['reason']}"
