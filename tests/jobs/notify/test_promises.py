"""Who was told of something as provisional hears how it ended, once, whatever became of rule and account."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import time, timedelta

import pytest

from collectors.x.declaration import X
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import next_due, tick
from storage.accounts.accounts import stop_watching
from storage.accounts.watch_lists import take_accounts_off
from storage.alerts import mutes, rules
from storage.countries.measured_networks import record_days
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rules import AlertRule, Digest, Match
from storage.model.core.availability import ChangeKind
from storage.postgres.pool import Conn, Pool, transaction
from tests.jobs.notify.test_network_alerts import DAY, measured
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.samples.readings import AVAILABLE, T0, WITHHELD_IN, minutes
from tests.support.servers.mail import InOrder, serving

A, W = AVAILABLE, WITHHELD_IN
EDITOR, NIGHT = "editor@example.org", "night@example.org"
EAGER = AlertRule((EDITOR,), "eager", Match(lists=frozenset({"Desk"}), provisional=True))
HEAD = Letterhead("https://blockline.example.org/")
TWO_WEEKS = 14 * 1440

SEEN = "Provisional: @h1 seen as withheld in India (IN), not confirmed yet"
CONFIRMED = "@h1 withheld in India (IN)"
REFUTED = "Taken back: @h1 seen as withheld in India (IN), not confirmed after all"
UNWATCHED = "Unresolved: @h1 seen as withheld in India (IN), no longer watched"

Step = Callable[["Newsroom"], Awaitable[object]]


class Newsroom:
    """A desk whose notifier looks whenever something is due, and sends by a real server."""

    def __init__(self, desk: Desk) -> None:
        self.pool = desk.pool
        self.desk = desk
        self.inbox = InOrder()

    async def rules(self, *those: AlertRule, at: float = 0) -> None:
        async with transaction(self.pool) as conn:
            await rules.keep_to_settings(conn, those, minutes(at))

    async def run(self, since: float, until: float) -> None:
        async with serving(self.inbox) as sender:
            now = minutes(since)
            while now < minutes(until):
                await tick(self.pool, sender, now, HEAD)
                due = await next_due(self.pool, sender, now)
                now = minutes(until) if due is None else max(due, now + timedelta(milliseconds=1))

    def told(self, *, to: str = EDITOR) -> list[str]:
        """The subjects that somebody got, in their order, without the names of lists."""
        return [m.subject.partition(" - ")[0] for m in self.inbox.mails() if m.recipients == (to,)]

    def newest(self) -> str:
        return self.inbox.mails()[-1].text

    async def do(self, act: Callable[[Conn], Awaitable[object]]) -> None:
        async with transaction(self.pool) as conn:
            await act(conn)


def plain(subject: str) -> str:
    """Without what says that a mail goes on with another one."""
    return subject.removeprefix("Update: ").removeprefix("Confirmed: ")


@pytest.fixture
async def newsroom(pool: Pool) -> Newsroom:
    desk = Desk(pool)
    await desk.enlist("1", "2")
    return Newsroom(desk)


async def seen_once(newsroom: Newsroom, *those: AlertRule) -> None:
    """The editor was told of an account that was seen as withheld once."""
    await newsroom.rules(*(those or (EAGER,)))
    for sent in (Sent(0, {"1": A, "2": A}), Sent(10, {"1": W, "2": A})):
        await newsroom.desk.take(sent)
    await newsroom.run(11, 12)
    assert newsroom.told() == [SEEN]


# how it ends ---------------------------------------------------------------------------------------------


async def confirmed(newsroom: Newsroom) -> None:
    await newsroom.desk.take(Sent(20, {"1": W, "2": A}))


async def refuted(newsroom: Newsroom) -> None:
    await newsroom.desk.take(Sent(20, {"1": A, "2": A}))


async def unwatched(newsroom: Newsroom) -> None:
    await newsroom.do(lambda conn: stop_watching(conn, X, "h1", minutes(20)))


ENDS: dict[Step, str] = {confirmed: CONFIRMED, refuted: REFUTED, unwatched: UNWATCHED}

# what happens meanwhile ----------------------------------------------------------------------------------


async def nothing(_newsroom: Newsroom) -> None:
    """Everything stays as it is."""


def by(*those: AlertRule) -> Step:
    return lambda newsroom: newsroom.rules(*those, at=12)


def about(**match: object) -> AlertRule:
    return replace(EAGER, match=replace(EAGER.match, **match))


async def switched_off(newsroom: Newsroom) -> None:
    await newsroom.pool.execute("update alert_rule set enabled = false")


async def off_the_list(newsroom: Newsroom) -> None:
    one = newsroom.desk.ids["1"]
    await newsroom.do(lambda conn: take_accounts_off(conn, "Desk", [one], "ada", minutes(12)))


async def account_muted(newsroom: Newsroom) -> None:
    one = newsroom.desk.ids["1"]
    await newsroom.do(lambda conn: mutes.mute_account(conn, one, minutes(12), None, "", "ada", minutes(12)))


async def list_muted(newsroom: Newsroom) -> None:
    await newsroom.do(lambda conn: mutes.mute_list(conn, "Desk", minutes(12), None, "", "ada", minutes(12)))


async def maintenance(newsroom: Newsroom) -> None:
    end = minutes(TWO_WEEKS)
    await newsroom.do(lambda conn: mutes.maintenance(conn, minutes(12), end, "move", "ada", minutes(12)))


async def unreachable(newsroom: Newsroom) -> None:
    """Networks in India do not reach X, and the rule sends no changes from there meanwhile."""
    await newsroom.rules(replace(EAGER, not_if_unreachable=True), at=12)
    days = measured("bad", "bad", until=T0.date() - DAY)
    await newsroom.do(
        lambda conn: record_days(conn, "IN", (T0.date() - 3 * DAY, T0.date()), days, minutes(12))
    )


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(nothing, id="nothing else happens"),
        pytest.param(switched_off, id="the rule is switched off"),
        pytest.param(by(), id="the rule is removed"),
        pytest.param(by(replace(EAGER, name="other")), id="another rule takes its place"),
        pytest.param(by(about(kinds=frozenset({ChangeKind.RESTORATION}))), id="it asks for other kinds"),
        pytest.param(by(about(lists=frozenset({"Others"}))), id="it is about another list"),
        pytest.param(by(about(provisional=False)), id="it asks for what is confirmed only"),
        pytest.param(by(replace(EAGER, recipients=(NIGHT,))), id="it tells others"),
        pytest.param(by(replace(EAGER, recipients=(NIGHT, EDITOR))), id="it tells others as well"),
        pytest.param(by(replace(EAGER, recipients=())), id="it tells nobody"),
        pytest.param(by(replace(EAGER, quiet=QuietHours(time(0), time(6)))), id="quiet hours begin"),
        pytest.param(by(replace(EAGER, flapping_changes=2)), id="the account goes back and forth"),
        pytest.param(off_the_list, id="the account is taken off its list"),
        pytest.param(account_muted, id="the account is muted"),
        pytest.param(list_muted, id="the list is muted"),
        pytest.param(maintenance, id="a maintenance window begins"),
        pytest.param(unreachable, id="the platform becomes unreachable"),
    ],
)
async def test_a_recipient_who_is_owed_an_outcome_gets_it_once(
    newsroom: Newsroom, meanwhile: Step, end: Step
) -> None:
    await seen_once(newsroom)
    await meanwhile(newsroom)
    await end(newsroom)
    await newsroom.run(21, TWO_WEEKS)
    assert [plain(subject) for subject in newsroom.told()] == [SEEN, ENDS[end]]
    assert {plain(subject) for subject in newsroom.told(to=NIGHT)} <= {CONFIRMED}


async def test_a_reply_says_that_the_rule_sends_nothing_while_the_platform_is_unreachable(
    newsroom: Newsroom,
) -> None:
    await seen_once(newsroom)
    await unreachable(newsroom)
    await confirmed(newsroom)
    await newsroom.run(21, 60)
    assert "sends no changes while most measurements from their countries do not reach" in newsroom.newest()


async def test_a_rule_that_became_a_digest_sends_outcomes_of_its_immediate_alerts_at_once(
    newsroom: Newsroom,
) -> None:
    await seen_once(newsroom)
    await newsroom.rules(replace(EAGER, digest=Digest.WEEKLY), at=12)
    await unwatched(newsroom)
    await newsroom.run(21, 60)
    assert newsroom.told() == [SEEN, UNWATCHED]
    assert "now gathers changes for a digest" in newsroom.newest()


# what comes late, or too early ---------------------------------------------------------------------------


async def late(newsroom: Newsroom, *those: Sent) -> None:
    newsroom.desk.now = minutes(24)
    for sent in those:
        await newsroom.desk.take(sent)


async def test_an_outcome_that_a_late_reading_corrects_is_sent_again(newsroom: Newsroom) -> None:
    await seen_once(newsroom)
    await newsroom.desk.take(Sent(13, {"2": A}))
    await unwatched(newsroom)
    await newsroom.run(21, 23)
    await late(newsroom, Sent(12, {"1": W}))
    await newsroom.run(26, TWO_WEEKS)
    assert [plain(subject) for subject in newsroom.told()] == [SEEN, UNWATCHED, CONFIRMED]
