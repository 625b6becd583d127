"""Whatever happens, in whatever order: nothing false is told, nothing told is rewritten, nothing is lost."""

import asyncio
import os
import random
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from typing import TypeAlias, TypeVar

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from storage.model.core.availability import State
from storage.postgres.pool import open_pool
from tests.support.repeats import repeats
from tests.truth import checks, other_order
from tests.truth.installation import LISTS, Installation, MailServer
from tests.truth.invented_truth import Fault, states

T = TypeVar("T")
Databases: TypeAlias = Callable[[], AbstractContextManager[str]]
NAMES = ("1", "2", "3")
SECONDS = st.sampled_from([1, 7, 40, 61, 300, 900, 1900, 3700, 20_000, 90_000])
PARTS = st.sampled_from([0.0, 0.3, 0.7, 1.0])
ROUNDS = int(os.environ.get("ROUNDS", "1"))
"""The first is the same each time; each further one begins with another seed (`make test-long`)."""
FAULTS = st.sampled_from([Fault.NOTHING] * 6 + list(Fault))


class WhateverHappens(RuleBasedStateMachine):
    """Each rule is something that happens to an installation; after each, what must hold is checked."""

    def __init__(self, databases: Databases) -> None:
        super().__init__()
        self.databases = databases
        self.stack = ExitStack()
        self.runner = self.stack.enter_context(asyncio.Runner())
        self.here = Installation()

    def do(self, work: Coroutine[object, object, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def begin(self) -> None:
        dsn = self.stack.enter_context(self.databases())
        self.do(self.here.open(dsn, NAMES))

    def teardown(self) -> None:
        try:
            if hasattr(self.here, "pool"):
                self.do(self.end())
        finally:
            if hasattr(self.here, "pool"):
                self.do(self.here.close())
            self.stack.close()

    async def end(self) -> None:
        """Everything comes to rest: then the last word must be the truth."""
        here = self.here
        here.mailbox.server = MailServer.TAKES_IT
        await here.answer_all()
        for n in range(len(here.handed_over)):
            await here.hand_over(n)
        await self.hold()
        for wait in (1, 61, 1000, 3700, 3700, 4000, 90_000, 61, 1000, 3700):
            here.clock.now += timedelta(seconds=wait)
            if here.watched:
                await here.ask(sorted(here.watched))
            await here.answer_all()
            await here.mail()
        await self.hold()
        await here.mail_all()
        _none(await checks.wrong_states(here))
        _none(await checks.rewritten(here))
        _none(await checks.wrong_words(here))
        _none(await self.told_in_another_order())

    async def told_in_another_order(self) -> list[str]:
        with self.databases() as dsn:
            async with open_pool(dsn) as there:
                await other_order.copy_without_readings(self.here.pool, there)
                await other_order.hand_in(self.here, there, random.Random(len(self.here.answers)))
                return await other_order.differences(self.here, there)

    async def hold(self) -> None:
        _none(await checks.false_changes(self.here))
        if not self.here.questions.on_its_way:
            _none(await checks.differences(self.here))

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: int) -> None:
        self.here.clock.now += timedelta(seconds=seconds)

    @rule(who=st.sampled_from(NAMES), state=st.sampled_from(list(states())))
    def an_account_changes(self, who: str, state: State) -> None:
        self.here.platform.timelines[who].turn(state, max(self.here.clock(), self.here.clock.latest))

    @rule(whom=st.sets(st.sampled_from(NAMES), min_size=1))
    def accounts_are_asked_for(self, whom: set[str]) -> None:
        if asked := sorted(whom & self.here.watched):
            self.do(self.here.ask(asked))

    @precondition(lambda self: self.here.questions.on_its_way)
    @rule(which=st.integers(0, 9), seconds=st.sampled_from([0, 1, 20]), part=PARTS, fault=FAULTS)
    def an_answer_comes(self, which: int, seconds: int, part: float, fault: Fault) -> None:
        self.here.clock.now += timedelta(seconds=seconds)
        on_its_way = self.here.questions.on_its_way
        self.do(self.here.answer(on_its_way[which % len(on_its_way)], part, fault))
        self.do(self.hold())

    @rule(whom=st.sets(st.sampled_from(NAMES), min_size=1), seconds=SECONDS, part=PARTS, fault=FAULTS)
    def accounts_are_read(self, whom: set[str], seconds: int, part: float, fault: Fault) -> None:
        self.here.clock.now += timedelta(seconds=seconds)
        before = len(self.here.questions.on_its_way)
        if asked := sorted(whom & self.here.watched):
            self.do(self.here.ask(asked))
        if len(self.here.questions.on_its_way) > before:
            self.do(self.here.answer(self.here.questions.on_its_way[-1], part, fault))
        self.do(self.hold())

    @rule(
        who=st.sampled_from(NAMES),
        state=st.sampled_from(list(states())),
        seconds=st.sampled_from([1, 61, 900]),
    )
    def an_account_changes_and_is_read(self, who: str, state: State, seconds: int) -> None:
        self.an_account_changes(who, state)
        self.accounts_are_read({who}, seconds, 0.5, Fault.NOTHING)

    @rule(whom=st.sets(st.sampled_from(NAMES), min_size=1), seconds=st.sampled_from([61, 900, 3700]))
    def accounts_are_read_until_it_is_certain(self, whom: set[str], seconds: int) -> None:
        for _ in range(4):
            self.here.clock.now += timedelta(seconds=seconds)
            if asked := sorted(whom & self.here.watched):
                self.do(self.here.ask(asked))
            if self.here.questions.on_its_way:
                self.do(self.here.answer(self.here.questions.on_its_way[-1], 0.5, Fault.NOTHING))
        self.do(self.hold())

    @rule(part=PARTS)
    def another_process_takes_over(self, part: float) -> None:
        self.do(self.here.fail_over(part))
        self.do(self.hold())

    @precondition(lambda self: self.here.handed_over)
    @rule(which=st.integers(0, 9))
    def a_late_answer_is_handed_over(self, which: int) -> None:
        """Also a second time."""
        self.do(self.here.hand_over(which % len(self.here.handed_over)))
        self.do(self.hold())

    @rule(who=st.sampled_from(NAMES))
    def an_account_leaves_the_watch_or_comes_back(self, who: str) -> None:
        self.do(self.here.unwatch(who) if who in self.here.watched else self.here.watch(who))
        self.do(self.here.load_again())
        self.do(self.hold())

    @rule(who=st.sampled_from(NAMES))
    def an_account_is_purged(self, who: str) -> None:
        self.do(self.here.purge(who))
        self.do(self.here.load_again())
        self.do(self.hold())

    @rule(seconds=st.sampled_from([1, 40]))
    def another_process_takes_over_by_a_clock_that_is_behind(self, seconds: int) -> None:
        self.do(self.here.answer_all())
        self.do(self.here.end_monitor())
        clock = self.here.clock  # a minute behind the newest reading, and no monitor starts
        earliest = max(clock.latest - timedelta(seconds=55), self.here.began_at, clock.watch_edited_at)
        clock.now = max(clock.now - timedelta(seconds=seconds), earliest)
        self.do(self.here.start())
        self.do(self.hold())

    @rule(who=st.sampled_from(NAMES), name=st.sampled_from(LISTS))
    def an_account_is_put_on_a_list(self, who: str, name: str) -> None:
        self.do(self.here.put_on(name, who))
        self.do(self.here.load_again())

    @rule(who=st.sampled_from(NAMES), name=st.sampled_from(LISTS))
    def an_account_is_taken_off_a_list(self, who: str, name: str) -> None:
        self.do(self.here.take_off(name, who))
        self.do(self.here.load_again())

    @rule()
    def another_labeler_is_heard(self) -> None:
        self.do(self.here.answer_all())
        self.here.platform.spoken_of = frozenset({"BR", "IN"})
        self.do(self.here.load_again())

    @rule(server=st.sampled_from(MailServer))
    def mails_are_sent(self, server: MailServer) -> None:
        self.here.mailbox.server = server
        self.do(self.here.mail())

    @rule()
    def somebody_looks(self) -> None:
        self.do(self.here.look())


def _none(wrong: list[str]) -> None:
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.again
@pytest.mark.parametrize("number", range(ROUNDS))
def test_whatever_happens_nothing_false_is_told(fresh_database: Databases, number: int) -> None:
    class OnTheirDatabases(WhateverHappens):
        def __init__(self) -> None:
            super().__init__(fresh_database)

    run_state_machine_as_test(
        OnTheirDatabases,
        settings=settings(
            max_examples=repeats(8, 20),
            stateful_step_count=30,
            deadline=None,
            derandomize=number == 0,
            database=None,
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.data_too_large,
                HealthCheck.filter_too_much,
            ],
            print_blob=True,
            report_multiple_bugs=False,
        ),
    )
