"""What would have been told: by the rules in force what was told, by others what they say."""

from collections.abc import Sequence

import pytest

from jobs.messages.compose import Letterhead
from jobs.notify.notifier import decide_alerts
from jobs.replay.replay import IN_FORCE, Redecided
from storage.alerts.mutes import maintenance
from storage.alerts.rules import put_in_order, remove_rule, save_rule
from storage.model.alerts.alerts import MailKind
from storage.model.alerts.rules import AlertRule, Digest, Match
from storage.postgres.pool import Pool, transaction
from tests.jobs.replay.test_replay import WEAK_NEVER
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.pipelines.monitor import EARLY, again
from tests.support.samples.alerts import tell_by
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, T0, WITHHELD_IN, minutes

A, W, N = AVAILABLE, WITHHELD_IN, NOT_FOUND
ME, YOU = "desk@example.org", "other@example.org"
PLAIN = AlertRule((ME,), name="default")
BLOCK = [Sent(0, {"1": A}), Sent(10, {"1": W}), Sent(20, {"1": W})]
BACK = [Sent(30, {"1": A}), Sent(40, {"1": A})]
BRIEF = [Sent(0, {"2": A}), Sent(50, {"2": W}), Sent(51, {"2": A})]
GONE = [Sent(60, {"2": A}), *(Sent(m, {"2": N}) for m in (70, 72, 90, 150))]
END = 10 * 1_440


@pytest.fixture
async def desk(pool: Pool) -> Desk:
    desk = Desk(pool)
    await desk.enlist("1", "2")
    return desk


async def live(desk: Desk, story: Sequence[Sent], until: float = END) -> None:
    """What is read is recorded, and a notifier looks every few minutes and whenever a day begins."""
    times = sorted({*(s.minute + 0.02 for s in story), *(s.minute + 1 for s in story)})
    times += [m for m in range(240, END + 1, 240) if m > times[-1]]
    waiting = list(story)
    for minute in [t for t in times if t <= until]:
        while waiting and waiting[0].minute <= minute:
            desk.now = minutes(minute - 1)  # what is late is recorded now as well, and not long after
            await desk.take(waiting.pop(0))
        await decide_alerts(desk.pool, minutes(minute), Letterhead())


async def redone(desk: Desk, *rules: AlertRule, early: bool = False, weak: bool = True) -> Redecided:
    thresholds = EARLY if early else IN_FORCE if weak else WEAK_NEVER
    return await again(desk.pool, T0, minutes(END), thresholds, rules or None)


def told(found: Redecided) -> list[tuple[str, str, MailKind, int]]:
    """What differs: whether it would have gone, to whom, in what, of how many changes."""
    return [
        ("not" if d.was_sent else "more", d.mail.recipient, d.mail.kind, len(d.mail.facts))
        for d in found.mails.differences
    ]


WAVE, DIGEST = MailKind.WAVE, MailKind.DIGEST


async def test_what_would_be_told_too_early_would_be_taken_back(desk: Desk) -> None:
    await tell_by(desk.pool, PLAIN)
    await live(desk, BRIEF)
    found = await redone(desk, AlertRule((ME,), match=Match(provisional=True)))
    assert told(found) == [("more", ME, WAVE, 1)] * 2
    assert [d.mail.headline.partition(":")[0] for d in found.mails.differences] == [
        "Provisional",
        "Taken back",
    ]


async def test_rules_that_were_changed_on_the_way_are_those_of_each_moment(desk: Desk) -> None:
    story = [*BLOCK, *BACK, *BRIEF, *GONE]
    await tell_by(desk.pool, PLAIN)
    await live(desk, story[:3], 25)
    async with transaction(desk.pool) as conn:
        await save_rule(conn, AlertRule((YOU,), name="night"), "desk", minutes(25))
        await save_rule(conn, AlertRule((YOU, ME), name="lead"), "desk", minutes(25))
        await put_in_order(conn, ["lead", "night"], "desk", minutes(26))
    await live(desk, story[3:5], 45)
    async with transaction(desk.pool) as conn:
        await remove_rule(conn, "lead", "desk", minutes(45))
        await save_rule(conn, AlertRule((YOU,), name="night", digest=Digest.DAILY), "desk", minutes(46))
        await maintenance(conn, minutes(65), minutes(200), "moving", "desk", minutes(47))
    await live(desk, story[5:])
    found = await redone(desk)
    assert told(found) == []
    assert (found.mails.decisions_otherwise, found.mails.decisions_same) == (0, 6)


async def test_what_a_late_reading_takes_back_is_explained_at_least(desk: Desk) -> None:
    await tell_by(desk.pool, PLAIN)
    await live(desk, BLOCK, 30)
    await desk.take(Sent(14, {"1": A}))
    await decide_alerts(desk.pool, minutes(60_000), Letterhead())
    found = await again(desk.pool, T0, minutes(70_000))
    assert found.compared.differences == ()
    assert found.unexplained == 0
    assert found.mails.same == 2
