"""Profiles of whom labels are about: each is asked for once, and what is not shown stays unknown."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from collectors.bluesky.declaration import BLUESKY
from collectors.core.abilities import PublicProfile
from collectors.core.collector import RequestFailure
from collectors.core.rate_limit_headers import NOT_STATED, failure_of
from collectors.core.wire import WireFault
from jobs.base.clock import SimulatedClock
from jobs.collect.labeled_profiles import LabeledProfileReader
from storage.countries.label_census import LabelFilter, labeled_subjects
from storage.model.core.availability import MissedReason
from storage.postgres.pool import Pool, transaction
from tests.support.samples.label_signing import stated, store
from tests.support.samples.readings import T0

DAY = timedelta(days=1)


def did(n: int) -> str:
    return f"did:plc:{'abcdefghij'[n // 10]}{'abcdefghij'[n % 10]}{'2' * 22}"


class Profiles:
    """Shows those whom it knows, and keeps what it was asked for."""

    most_profiles = 25

    def __init__(self, **shown: PublicProfile) -> None:
        self.shown = {one.native_id: one for one in shown.values()}
        self.asked: list[list[str]] = []
        self.failure: RequestFailure | None = None
        self.refused: set[str] = set()
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def public_profiles(
        self, native_ids: Sequence[str], now: datetime
    ) -> Sequence[PublicProfile] | RequestFailure:
        assert len(native_ids) <= self.most_profiles
        assert now.tzinfo is not None
        self.asked.append(list(native_ids))
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.refused.intersection(native_ids):
            return failure_of(WireFault(MissedReason.BAD_REQUEST, "refused"), NOT_STATED, now, 0)
        return self.failure or [self.shown[one] for one in native_ids if one in self.shown]


async def come_round(
    task: LabeledProfileReader, profiles: "Profiles", clock: SimulatedClock, lasts: timedelta
) -> None:
    """Do what is due for so long, but what is due after nothing was asked for comes at the end."""
    until = clock() + lasts
    await task.load()
    while (due := task.next_due()) is not None and due <= until:
        clock.set(max(due, clock()))
        asked = len(profiles.asked)
        await task.tick()
        if len(profiles.asked) == asked:
            break
    clock.set(until)
    await task.tick()


async def known(pool: Pool) -> dict[str, tuple[bool | None, str | None, int | None]]:
    async with transaction(pool) as conn:
        rows = await labeled_subjects(conn, LabelFilter(), None, 99, T0)
    return {r.subject: (r.profile_is_shown, r.profile_handle, r.profile_followers) for r in rows}


async def test_one_subject_that_is_refused_keeps_nobody_else_back_and_is_tried_a_day_later(
    pool: Pool,
) -> None:
    subjects = [did(n) for n in range(60)]
    await store(pool, *(stated(one, T0 - timedelta(hours=n)) for n, one in enumerate(subjects)))
    clock, profiles = SimulatedClock(T0), Profiles()
    profiles.refused = {did(0), did(7)}
    task = LabeledProfileReader(pool, BLUESKY, profiles, clock)
    await come_round(task, profiles, clock, timedelta(hours=1))
    read = {subject for subject, one in (await known(pool)).items() if one[0] is not None}
    assert read == {*subjects} - profiles.refused
    asked = len(profiles.asked)
    await come_round(task, profiles, clock, timedelta(hours=22))
    assert len(profiles.asked) == asked
    profiles.refused = set()
    await come_round(task, profiles, clock, timedelta(hours=2))
    assert all(one[0] is False for one in (await known(pool)).values())


async def test_whom_nothing_names_nobody_is_asked_for_and_nothing_is_said(pool: Pool) -> None:
    await store(pool, stated("did:other:a"), stated("at://nobody/app.bsky.feed.post/1"))
    clock, profiles = SimulatedClock(T0), Profiles()
    await come_round(LabeledProfileReader(pool, BLUESKY, profiles, clock), profiles, clock, DAY)
    assert profiles.asked == []
    assert set((await known(pool)).values()) == {(None, None, None)}
