"""A whole installation: database, monitor and notifier are real; platform, clock and mailbox are invented."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto

from collectors.bluesky.declaration import BLUESKY
from collectors.core.collector import CollectorAnswer
from jobs.collect.load_accounts import load_accounts
from jobs.collect.monitor import Monitor, MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.delivery.sender import DeliveryFault, Undeliverable
from jobs.detect.confirmation import ConfirmationRule
from jobs.dispatch.local_requester import TimedAnswer
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import next_due, tick
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.accounts.canaries import set_canaries
from storage.accounts.watch_lists import put_accounts_on, take_accounts_off
from storage.alerts.rules import save_rule
from storage.live import snapshot
from storage.model.alerts.alerts import Mail
from storage.model.alerts.rules import AlertRule, Match
from storage.model.core.accounts import AccountId
from storage.model.core.availability import State, Status
from storage.model.core.coverage import WhyRead
from storage.model.core.known_state import Known
from storage.model.core.platform_request import Question
from storage.postgres.pool import Pool, open_pool, transaction
from storage.postgres.recording_order import as_known
from storage.purge.purge import purge_account
from storage.readings.rosters import get_or_make
from tests.support.clients.api import states_at
from tests.support.samples.readings import T0
from tests.truth.invented_truth import CONTROL, Asked, Fault, InventedPlatform, Questions, Timeline

LISTS = ("Order", "Desk")
RECIPIENT = "desk@example.org"
RULE = AlertRule((RECIPIENT,), name="all", match=Match(provisional=True))
_SOON = timedelta(milliseconds=1)


class TickingClock:
    """Each look is a little later than the one before, as of a real clock: no two moments are one."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.latest = now
        """The latest that it ever showed: it may have been set back since."""
        self.watch_edited_at = now
        """It is not set back past the last edit of the watch, nor is the watch edited while it is behind:
        breaks of the watch are dated in the order of recording, readings by the clock."""

    def __call__(self) -> datetime:
        self.now += _SOON
        self.latest = max(self.latest, self.now)
        return self.now

    def of_an_edit_of_the_watch(self) -> datetime:
        self.now = max(self.now, self.latest)
        self.watch_edited_at = self()
        return self.watch_edited_at


class MailServer(Enum):
    """What becomes of a mail that is offered now."""

    TAKES_IT = auto()
    IS_AWAY = auto()
    LOSES_IT = auto()
    """It says nothing, and the mail is lost."""
    TAKES_IT_UNHEARD = auto()
    """The mail arrives, and whoever sent it does not hear that it was accepted."""


@dataclass(slots=True)
class Mailbox:
    """A mail server with the mails of its users: each once, since a repeat bears the id of the first."""

    server: MailServer = MailServer.TAKES_IT
    mails: list[Mail] = field(default_factory=list[Mail])
    accepted: Counter[str] = field(default_factory=Counter[str])
    """How often who sent each mail was told that it is accepted."""

    async def send(self, mail: Mail) -> None:
        arrives = self.server in {MailServer.TAKES_IT, MailServer.TAKES_IT_UNHEARD}
        if arrives and all(mail.message_id != m.message_id for m in self.mails):
            self.mails.append(mail)
        if self.server is not MailServer.TAKES_IT:
            is_away = self.server is MailServer.IS_AWAY
            raise Undeliverable(
                "no answer", permanent=False, fault=DeliveryFault.SERVER, uncertain=not is_away
            )
        self.accepted[mail.message_id] += 1

    async def close(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A question of a monitor that is gone, and its reply, which another process got."""

    question: Question
    reply: TimedAnswer


@dataclass(frozen=True, slots=True)
class Look:
    """What one answer showed of an account."""

    asked_at: datetime
    at: datetime
    state: State
    out_of_date: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was shown at a moment."""

    at: datetime
    shown: str


class Installation:
    def __init__(self) -> None:
        self.clock = TickingClock(T0)
        self.platform = InventedPlatform(self.clock)
        self.questions = Questions(self.platform)
        self.mailbox = Mailbox()
        self.ids: dict[str, AccountId] = {}
        self.watched: set[str] = set()
        self.handed_over: list[HandedOver] = []
        self.answers: dict[tuple[int, datetime, int], CollectorAnswer] = {}
        """Whatever was replied, by the key of its request."""
        self.looks: dict[str, list[Look]] = {}
        """What answers that may be believed showed of each account, in the order in which they arrived."""
        self.snapshots: list[Snapshot] = []
        self.tasks: dict[int, asyncio.Task[object]] = {}
        self._number = 0
        self._stack = AsyncExitStack()
        self.pool: Pool
        self.monitor: Monitor
        self.began_at: datetime

    async def open(self, dsn: str, native_ids: Sequence[str]) -> None:
        self.pool = await self._stack.enter_async_context(open_pool(dsn))
        async with transaction(self.pool) as conn:
            await save_rule(conn, RULE, "test", self.clock())
            await set_canaries(conn, BLUESKY, [(CONTROL, "control", Status.AVAILABLE)], self.clock())
        for n, native_id in enumerate(native_ids):
            self.platform.timelines[native_id] = Timeline()
            await self.watch(native_id, LISTS[n % 2 : n % 2 + 1])
        await self.start()
        self.began_at = self.clock()

    async def close(self) -> None:
        await self.end_monitor()
        await self._stack.aclose()

    async def start(self) -> None:
        settings = MonitorSettings(Sweep(timedelta(minutes=15), T0), canaries_per_request=1)
        self.monitor = reading_pipeline(
            self.pool, self.platform, ConfirmationRule(), settings, self.clock, self.questions
        )
        await self.monitor.load()

    async def end_monitor(self) -> list[Asked]:
        """Kill the monitor; returns what it had asked."""
        orphans = list(self.questions.on_its_way)
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        self.tasks.clear()
        return orphans

    async def watch(self, native_id: str, lists: tuple[str, ...] = ()) -> None:
        async with transaction(self.pool) as conn:
            new = NewAccount(BLUESKY, native_id, f"h{native_id}", lists)
            await add_accounts(conn, [new], self.clock.of_an_edit_of_the_watch())
            found = await conn.fetchval("select account_id from account where native_id = $1", native_id)
        self.ids[native_id] = AccountId(found)
        self.watched.add(native_id)

    async def unwatch(self, native_id: str) -> None:
        async with transaction(self.pool) as conn:
            at = self.clock.of_an_edit_of_the_watch()
            await stop_watching(conn, BLUESKY, native_id, at, is_id=True)
        self.watched.discard(native_id)

    async def purge(self, native_id: str) -> None:
        async with transaction(self.pool) as conn:
            await purge_account(conn, self.ids[native_id], self.clock.of_an_edit_of_the_watch())
        self.watched.discard(native_id)

    async def put_on(self, list_name: str, native_id: str) -> None:
        async with transaction(self.pool) as conn:
            await put_accounts_on(conn, list_name, [self.ids[native_id]], "test", self.clock())

    async def take_off(self, list_name: str, native_id: str) -> None:
        async with transaction(self.pool) as conn:
            await take_accounts_off(conn, list_name, [self.ids[native_id]], "test", self.clock())

    async def ask(self, native_ids: Sequence[str]) -> None:
        """Send a question about these accounts; it stays on its way."""
        ids = [self.ids[i] for i in native_ids]
        now = self.clock()
        async with transaction(self.pool) as conn:
            control = await conn.fetchval("select account_id from account where native_id = $1", CONTROL)
            roster = await get_or_make(
                conn,
                *(BLUESKY, ids, [AccountId(control)], now),
                base=False,
                out_of_turn=WhyRead.AGAIN,
            )
        self._number += 1
        task = asyncio.ensure_future(self.monitor.read(roster, now, self._number, urgent=True))
        sent = asyncio.ensure_future(self.questions.sent.get())
        await asyncio.wait((task, sent), return_when=asyncio.FIRST_COMPLETED)
        if sent.done():
            self.tasks[id(sent.result())] = task
        else:
            sent.cancel()
            task.result()

    async def answer(self, asked: Asked, part: float, fault: Fault) -> None:
        task = self.tasks.pop(id(asked))
        asked.reply.set_result(self._replied(asked, part, fault))
        await task

    def _replied(self, asked: Asked, part: float, fault: Fault) -> TimedAnswer:
        reply = self.questions.replied(asked, part, fault)
        question = asked.question
        self.answers[question.roster_id, question.slot, question.attempt] = reply.answer.arrived(reply.at)
        for shown in reply.answer.readings if fault is not Fault.SHOWS_NOBODY else ():
            look = Look(asked.asked_at, reply.at, shown.state, fault is Fault.OUT_OF_DATE)
            self.looks.setdefault(shown.native_id, []).append(look)
        return reply

    async def answer_all(self) -> None:
        for asked in list(self.questions.on_its_way):
            await self.answer(asked, 0.5, Fault.NOTHING)

    async def load_again(self) -> None:
        """As after an edit: what is on its way is answered first."""
        await self.answer_all()
        await self.monitor.load()

    async def fail_over(self, part: float) -> None:
        """Another process goes on. What the first one had asked is answered elsewhere, and handed over."""
        for asked in await self.end_monitor():
            self.handed_over.append(HandedOver(asked.question, self._replied(asked, part, Fault.NOTHING)))
        await self.start()

    async def hand_over(self, number: int) -> None:
        one = self.handed_over[number]
        await self.monitor.take_in(one.question, one.reply)

    async def mail(self) -> None:
        await tick(self.pool, self.mailbox, self.clock(), Letterhead())

    async def mail_all(self) -> None:
        """Let time pass until nothing waits to be told."""
        while (due := await next_due(self.pool, self.mailbox, self.clock())) is not None:
            self.clock.now = max(self.clock.now, due)
            await self.mail()

    async def look(self) -> None:
        """Keep what is shown now."""
        at = self.clock()
        self.snapshots.append(Snapshot(at, await self.shown(at)))

    async def shown(self, known_at: datetime) -> str:
        async with as_known(self.pool, known_at) as conn:
            states = await states_at(conn, known_at, known_at)
            spells = await snapshot.spells(conn, None, sorted(self.ids.values()), known_at)
        return repr((states, [(s.account_id, s.state, s.onset_after, s.since, s.until) for s in spells]))

    async def held(self) -> dict[str, Known | None]:
        """What the monitor holds in memory of everybody who is watched."""
        return {i: self.monitor.known(self.ids[i]) for i in self.watched}

    async def stored(self) -> dict[str, Known | None]:
        """What a monitor that starts now would hold."""
        async with transaction(self.pool) as conn:
            loaded = await load_accounts(conn, BLUESKY, ConfirmationRule())
        return {w.account.native_id: w.known for w in loaded}
