"""After an outage of the mail server one mail says what happened meanwhile, on a real database."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from dashboard.auth.signed_links import Link, LinkAction, read_token
from jobs.delivery.sender import DeliveryFault, Undeliverable
from jobs.messages.compose import Letterhead
from jobs.notify import merging
from jobs.notify.loops import DecisionLoop
from jobs.notify.notifier import decide_alerts, decide_due, next_due, tick
from storage.alerts import mail_queue
from storage.alerts.history import alerts_of_wave
from storage.live.snapshot import changes
from storage.model.alerts.alerts import AlertRow, Cohort, Mail
from storage.model.alerts.rules import AlertRule, Match
from storage.model.core.availability import ChangeKind, State
from storage.postgres.installation import link_key
from storage.postgres.pool import Pool, Refused, transaction
from tests.support.samples.alerts import REPORTERS, a_change, an_alert, store, tell_by
from tests.support.samples.readings import AVAILABLE, MINUTE, SUSPENDED, T0, WITHHELD_IN, minutes

DESK, NIGHT = "desk@example.org", "night@example.org"
HEAD = Letterhead("https://blockline.example.org/")
RULE = AlertRule((DESK,), zone="Asia/Kolkata")


@dataclass(slots=True)
class Server:
    """A mail server whose hour comes and goes. It keeps what it accepts."""

    is_up: bool = False
    is_mute: bool = False
    """It takes the message, and nobody hears whether it accepted it."""
    only: tuple[str, ...] = ()
    """Whom it takes mails to, of all."""
    accepted: list[Mail] = field(default_factory=list[Mail])

    async def send(self, mail: Mail) -> None:
        if self.is_up and (not self.only or mail.recipients[0] in self.only):
            self.accepted.append(mail)
            if not self.is_mute:
                return
        fault = DeliveryFault.MAIL if self.only else DeliveryFault.SERVER
        raise Undeliverable("no answer", permanent=False, fault=fault, uncertain=self.is_mute)

    async def close(self) -> None:
        """Nothing is open."""

    @property
    def subjects(self) -> list[str]:
        return [mail.subject.partition(" - ")[0] for mail in self.accepted]


def turned(account: int, at: datetime, new: State, old: State, *cohorts: Cohort) -> AlertRow:
    change = a_change(account, new, old, at=at, handle=f"reporter{account}")
    return an_alert(account, change, at + MINUTE, *(cohorts or (REPORTERS,)))


def withheld(account: int, at: float, *cohorts: Cohort) -> AlertRow:
    return turned(account, minutes(at), WITHHELD_IN, AVAILABLE, *cohorts)


def back(account: int, at: float, *cohorts: Cohort) -> AlertRow:
    return turned(account, minutes(at), AVAILABLE, WITHHELD_IN, *cohorts)


async def told(pool: Pool, server: Server, at: float, *alerts: AlertRow) -> None:
    """These are recorded, and the notifier looks a few minutes later."""
    await store(pool, alerts)
    await tick(pool, server, minutes(at + 5), HEAD)


async def answered(pool: Pool, stage: str, at: float) -> None:
    """All that was told is answered so."""
    await pool.execute(
        "insert into alert (change_id, created_at, stage) select change_id, $1, $2 from change",
        minutes(at),
        stage,
    )


async def all_sent(pool: Pool, server: Server, at: float) -> None:
    """The server is well again, and the notifier looks whenever something is due."""
    server.is_up, server.is_mute, server.only = True, False, ()
    due: datetime | None = minutes(at)
    while due is not None and due < minutes(at) + timedelta(days=3):
        await tick(pool, server, due, HEAD)
        due = await next_due(pool, server, due)


async def states(pool: Pool) -> list[tuple[str, int | None]]:
    rows = await pool.fetch("select state, merged_into from mail order by mail_id")
    return [tuple(r) for r in rows]


async def test_a_block_and_restoration_during_a_mail_outage_are_one_email(
    pool: Pool,
) -> None:
    await tell_by(pool, RULE)
    server = Server()
    await told(pool, server, 0, withheld(1, 0))
    await told(pool, server, 600, back(1, 600))
    await all_sent(pool, server, 1440)
    (mail,) = server.accepted
    assert mail.subject == "@reporter1 available again after being withheld in India (IN) - list Reporters"
    first = "  - Withheld in India (IN) between 31 Jan 2021 23:45 and 1 Feb 2021 00:00 UTC"
    assert first in mail.text_body
    assert "  - Available again between 09:45 and 10:00 UTC" in mail.text_body.partition(first)[2]
    assert "available again between" in mail.html_body.lower().partition("withheld in india (in) between")[2]
    assert "This email continues" not in mail.text_body, "it is the first that he gets"
    assert (mail.in_reply_to, mail.reference_ids) == (None, ())
    assert await states(pool) == [("merged", 3), ("merged", 3), ("sent", None)]


async def test_a_merged_mail_acknowledges_the_newest_group_that_it_reports(pool: Pool) -> None:
    await tell_by(pool, RULE)
    server = Server()
    await told(pool, server, 0, withheld(1, 0))
    await told(pool, server, 600, back(1, 600))
    await all_sent(pool, server, 1440)
    (mail,) = server.accepted
    (text,) = re.findall(r"/mail-link/(\S+)", mail.text_body)
    async with transaction(pool) as conn:
        link = read_token(await link_key(conn), text)
        key, closed_at = await conn.fetchrow(
            "select story_key, w.closed_at from story join story_wave w using (story_id) where wave = 2"
        ) or ("", T0)
    assert link == Link(LinkAction.ACKNOWLEDGE, key, DESK, closed_at.replace(microsecond=0), 2)


@pytest.mark.parametrize(
    ("before", "stage", "subject", "note"),
    [
        pytest.param(
            "confirmed",
            "withdrawn",
            "Taken back: @reporter1 seen as withheld in India (IN), not confirmed after all",
            "It was recorded at first. Later readings do not support it.",
            id="confirmed and taken back",
        ),
        pytest.param(
            "provisional",
            "withdrawn",
            "Taken back: @reporter1 seen as withheld in India (IN), not confirmed after all",
            "It was recorded at first. Later readings do not support it.",
            id="not confirmed",
        ),
        pytest.param(
            "provisional",
            "unresolved",
            "Unresolved: @reporter1 seen as withheld in India (IN), no longer watched",
            "It was not confirmed. The account was no longer watched",
            id="unresolved",
        ),
    ],
)
async def test_an_outcome_before_the_first_email_left_is_one_email_without_reference_to_another(
    pool: Pool, before: str, stage: str, subject: str, note: str
) -> None:
    await tell_by(pool, replace(RULE, match=Match(provisional=True)))
    server = Server()
    await store(pool, [withheld(1, 0)])
    await pool.execute("update alert set stage = $1", before)
    await told(pool, server, 0)
    await answered(pool, stage, 300)
    await told(pool, server, 300)
    await all_sent(pool, server, 1440)
    assert server.subjects == [subject]
    (mail,) = server.accepted
    assert note in mail.text_body
    assert "earlier" not in mail.text_body + mail.html_body
    assert "was told" not in mail.text_body + mail.html_body


async def test_a_provisional_change_confirmed_meanwhile_is_sent_only_as_confirmed(pool: Pool) -> None:
    await tell_by(pool, replace(RULE, match=Match(provisional=True)))
    server = Server()
    await store(pool, [withheld(1, 0)])
    await pool.execute("update alert set stage = 'provisional'")
    await told(pool, server, 0)
    await answered(pool, "confirmed", 60)
    await told(pool, server, 60)
    assert [state for state, _ in await states(pool)] == ["merged", "merged", "queued"]
    await all_sent(pool, server, 1440)
    assert server.subjects == ["@reporter1 withheld in India (IN)"]
    assert "not confirmed" not in server.accepted[0].text_body


async def test_a_mail_that_a_server_may_have_accepted_goes_out_again_under_its_id_and_before_the_later_one(
    pool: Pool,
) -> None:
    await tell_by(pool, RULE)
    server = Server(is_up=True, is_mute=True)
    await told(pool, server, 0, withheld(1, 0))
    server.is_up = False
    await told(pool, server, 600, back(1, 600))
    await all_sent(pool, server, 1440)
    blocked = "@reporter1 withheld in India (IN)"
    restored = "Update: @reporter1 available again (before: withheld in India (IN))"
    assert server.subjects == [blocked, blocked, restored]
    assert len({mail.message_id for mail in server.accepted}) == 2
    assert server.accepted[2].in_reply_to == server.accepted[0].message_id


async def test_a_mail_that_is_being_sent_is_not_merged_unless_that_fails_for_certain(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, [withheld(1, 0)])
    await decide_alerts(pool, minutes(5), HEAD)
    (claimed,) = await mail_queue.claim_due(pool, minutes(5), 1)
    await store(pool, [back(1, 6)])
    clock = [minutes(12)]
    loop = DecisionLoop(pool, HEAD, lambda: clock[0])
    await loop.turn()
    await loop.turn()
    assert [state for state, _ in await states(pool)] == ["queued", "queued"]
    await mail_queue.mark_failed(pool, claimed, minutes(13), "cannot connect", uncertain=False)
    clock[0] += timedelta(seconds=31)
    await loop.turn()
    assert await states(pool) == [("merged", 3), ("merged", 3), ("queued", None)]
    assert await pool.fetchval("select next_attempt_at from mail where mail_id = 3") == minutes(13)


async def test_an_attempt_at_which_blockline_itself_failed_is_uncertain(pool: Pool) -> None:
    class Broken(Server):
        async def send(self, mail: Mail) -> None:
            raise ZeroDivisionError

    await tell_by(pool, RULE)
    await store(pool, [withheld(1, 0)])
    with pytest.raises(ZeroDivisionError):
        await tick(pool, Broken(), minutes(5), HEAD)
    await told(pool, Server(), 600, back(1, 600))
    assert [state for state, _ in await states(pool)] == ["queued", "queued"]


async def test_an_email_that_also_reports_other_changes_keeps_its_place(pool: Pool) -> None:
    await tell_by(pool, RULE)
    server = Server()
    await told(pool, server, 0, withheld(1, 0), withheld(2, 0))
    await told(pool, server, 600, back(1, 600))
    await all_sent(pool, server, 900)
    assert server.subjects == [
        "2 accounts withheld in India (IN)",
        "Update: @reporter1 available again (before: withheld in India (IN))",
    ]


async def test_only_what_follows_the_last_mail_that_stays_is_merged(pool: Pool) -> None:
    await tell_by(pool, RULE)
    server = Server()
    await told(pool, server, 0, withheld(1, 0), withheld(2, 0))
    await told(pool, server, 100, back(1, 100))
    await pool.execute(
        """
        insert into alert (change_id, created_at, stage)
        select change_id, $1, 'withdrawn' from change where kind = 'restoration'
        """,
        minutes(200),
    )
    await told(pool, server, 200)
    await all_sent(pool, server, 900)
    assert server.subjects == [
        "2 accounts withheld in India (IN)",
        "Taken back: @reporter1 seen as available again (before: withheld in India (IN)), "
        "not confirmed after all",
    ]
    first, update = server.accepted
    assert update.in_reply_to == first.message_id
    assert (
        "This email continues the one that reported what was known at 1 Feb 2021, 00:01 UTC."
        in update.text_body
    )


async def test_an_email_about_all_accounts_replaces_all_before_it(pool: Pool) -> None:
    await tell_by(pool, RULE)
    server = Server()
    await told(pool, server, 0, withheld(1, 0), withheld(2, 0))
    await told(pool, server, 100, back(1, 100), turned(2, minutes(100), SUSPENDED, WITHHELD_IN))
    await all_sent(pool, server, 900)
    assert server.subjects == [
        "1 account available again after being withheld in India (IN), "
        "1 withheld in India (IN), then suspended"
    ]


async def test_a_recipient_of_the_first_email_gets_an_update_and_the_others_one_email(pool: Pool) -> None:
    await tell_by(pool, replace(RULE, recipients=(DESK, NIGHT)))
    server = Server(is_up=True, only=(DESK,))
    await told(pool, server, 0, withheld(1, 0))
    server.is_up = False
    await told(pool, server, 600, back(1, 600))
    await all_sent(pool, server, 900)
    assert sorted((m.recipients[0], s) for m, s in zip(server.accepted, server.subjects, strict=True)) == [
        (DESK, "@reporter1 withheld in India (IN)"),
        (DESK, "Update: @reporter1 available again (before: withheld in India (IN))"),
        (NIGHT, "@reporter1 available again after being withheld in India (IN)"),
    ]


async def test_a_webhook_gets_one_message_per_group(pool: Pool) -> None:
    await tell_by(pool, replace(RULE, recipients=("webhook:desk",)))
    server = Server()
    await told(pool, server, 0, withheld(1, 0))
    await told(pool, server, 600, back(1, 600))
    await all_sent(pool, server, 900)
    assert len(server.accepted) == 2


async def test_reminders_of_an_email_that_never_left_are_merged_with_it(pool: Pool) -> None:
    await tell_by(pool, replace(RULE, remind_every=timedelta(hours=1)))
    server = Server()
    await told(pool, server, 0, withheld(1, 0))
    await told(pool, server, 70)
    assert [r["kind"] for r in await pool.fetch("select kind from mail order by mail_id")] == [
        "wave",
        "reminder",
    ]
    await told(pool, server, 100, back(1, 100))
    assert [state for state, _ in await states(pool)] == ["merged", "merged", "merged", "queued"]
    server.is_up = True
    await tick(pool, server, minutes(130), HEAD)
    assert server.subjects == ["@reporter1 available again after being withheld in India (IN)"]
    await tick(pool, server, minutes(170), HEAD)
    assert server.subjects[1:] == [f"Reminder: {server.subjects[0]}"]
    assert server.accepted[1].in_reply_to == server.accepted[0].message_id


async def test_changes_back_and_forth_during_an_outage_are_one_mail_with_all_of_them(pool: Pool) -> None:
    await tell_by(pool, RULE)
    server = Server()
    for at in (0, 200):
        await told(pool, server, at, withheld(1, at))
        await told(pool, server, at + 100, back(1, at + 100))
    await all_sent(pool, server, 900)
    assert server.subjects == ["@reporter1 going back and forth (now available)"]
    assert server.accepted[0].text_body.count("evidence (the platform said so), 2 readings agree") == 4


async def test_a_merged_email_does_not_overtake_a_newer_one_of_another_incident(pool: Pool) -> None:
    blocks = replace(RULE, name="blocks", match=Match(kinds=frozenset({ChangeKind.BLOCK})))
    rest = replace(RULE, name="rest", match=Match(kinds=frozenset({ChangeKind.RESTORATION})))
    await tell_by(pool, *(replace(rule, update_after=MINUTE) for rule in (blocks, rest)))
    await store(pool, [withheld(1, 0)])
    await decide_alerts(pool, minutes(5), HEAD)
    (claimed,) = await mail_queue.claim_due(pool, minutes(5), 1)
    await store(pool, [turned(1, minutes(10), SUSPENDED, WITHHELD_IN)])
    await decide_alerts(pool, minutes(15), HEAD)
    await store(pool, [turned(1, minutes(20), AVAILABLE, SUSPENDED)])
    await decide_alerts(pool, minutes(25), HEAD)
    await mail_queue.mark_failed(pool, claimed, minutes(26), "cannot connect", uncertain=False)
    assert await merging.tick(pool, minutes(26), HEAD) == 0
    server = Server()
    await all_sent(pool, server, 30)
    assert server.subjects[-1] == "@reporter1 available again (before: suspended)"
    assert len(server.subjects) == 3


async def test_a_catch_up_digest_in_between_keeps_both_emails(pool: Pool) -> None:
    await tell_by(pool, RULE)
    await store(pool, [withheld(1, 0)])
    await decide_alerts(pool, minutes(5), HEAD)
    await store(pool, [back(1, 10)])
    await decide_alerts(pool, minutes(15), HEAD)
    await pool.execute("update story_wave set wave = 3 where wave = 2")
    await pool.execute("update mail set wave = 3 where wave = 2")
    await pool.execute(
        """
        insert into story_wave (story_id, wave, closed_at, as_of, told, in_round_up)
        select story_id, 2, closed_at, as_of, told, true from story_wave where wave = 1
        """
    )
    assert await merging.tick(pool, minutes(16), HEAD) == 0


async def test_a_merged_email_names_its_replacement_and_is_not_sent_again(pool: Pool) -> None:
    await tell_by(pool, RULE)
    server = Server()
    await told(pool, server, 0, withheld(1, 0))
    await told(pool, server, 600, back(1, 600))
    async with transaction(pool) as conn:
        with pytest.raises(
            Refused, match=r"Mail 1 was merged into mail 3, which contains both\. Send mail 3"
        ):
            await mail_queue.resend(conn, 1, "anna", minutes(700))


async def test_the_email_that_reported_a_change_stays_known_for_any_past_time(pool: Pool) -> None:
    await tell_by(pool, RULE)
    server = Server()

    async def known(at: float) -> list[int | None]:
        async with transaction(pool) as conn:
            return [c.mail_id for c in await changes(conn, minutes(-60), (), minutes(at))]

    await told(pool, server, 0, withheld(1, 0))
    assert await known(100) == [1]
    await told(pool, server, 600, back(1, 600))
    assert (await known(100), await known(610)) == ([1], [3, 3])
    await told(pool, server, 700, turned(1, minutes(700), SUSPENDED, AVAILABLE))
    assert (await known(100), await known(610), await known(800)) == ([1], [3, 3], [5, 5, 5])
    async with transaction(pool) as conn:
        story = await pool.fetchval("select story_key from story")
        assert await alerts_of_wave(conn, story) == (3, [3])
    await all_sent(pool, server, 900)
    assert server.subjects == [
        "@reporter1 withheld in India (IN), then available again, then suspended",
    ]


async def test_a_mail_that_is_sent_again_by_hand_stays_as_it_is(pool: Pool) -> None:
    await tell_by(pool, RULE)
    server = Server(is_up=True)
    await told(pool, server, 0, withheld(1, 0))
    async with transaction(pool) as conn:
        await mail_queue.resend(conn, 1, "anna", minutes(20))
    await store(pool, [back(1, 30)])
    await decide_due(pool, minutes(35), HEAD)
    assert [state for state, _ in await states(pool)] == ["queued", "queued"]
