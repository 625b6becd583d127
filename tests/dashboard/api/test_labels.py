"""What labelers withhold, for programs: with both times, and with what may be missing."""

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest_asyncio

from collectors.bluesky.declaration import BLUESKY
from storage.accounts.accounts import NewAccount, add_accounts
from storage.countries.label_record import note_gap, note_listed
from storage.countries.labeled_profiles import LabeledProfile, record_profiles
from storage.model.core.labels import LabelGap
from storage.postgres.pool import Pool, transaction
from tests.support.clients.api import Api, api_served
from tests.support.samples.label_signing import FORGED, LABELER, POST, SUBJECT, stated, store
from tests.support.samples.readings import T0

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LIFTED = f"{POST}b"


@pytest_asyncio.fixture
async def api(pool: Pool, dsn: str) -> AsyncGenerator[Api]:
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(BLUESKY, SUBJECT, "somebody.test")], T0)
    await store(pool, stated(made_at=T0 - 9 * DAY), stated(POST, T0 - DAY), at=T0 - HOUR)
    await store(pool, stated(LIFTED, T0 - 2 * DAY, negated=True), at=T0, refused=(FORGED,))
    async with transaction(pool) as conn:
        profile = LabeledProfile(SUBJECT, is_shown=True, handle="somebody.test", followers=12_400)
        await record_profiles(conn, BLUESKY, [profile], lambda: T0)
    async with api_served(pool, dsn, T0 + HOUR) as served:
        yield served


async def test_a_label_is_given_with_both_of_its_times(api: Api) -> None:
    (about,) = (await api.get("/labels", kind="account")).items
    assert isinstance(about.pop("label_id"), int)
    assert isinstance(about.pop("account_id"), int)
    assert about == {
        "labeler": LABELER,
        "country": "TR",
        "kind": "account",
        "subject": SUBJECT,
        "value": "!hide",
        "stated_at": "2021-01-23T00:00:00Z",
        "since": "2021-01-23T00:00:00Z",
        "lifted_at": None,
        "first_received_at": "2021-01-31T23:00:00Z",
        "handle": "somebody.test",
        "watched": True,
        "profile_handle": "somebody.test",
        "profile_followers": 12_400,
        "profile_is_shown": True,
        "profile_read_at": "2021-02-01T00:00:00Z",
    }


async def test_what_may_be_missing_of_a_labeler_is_given(api: Api, pool: Pool) -> None:
    (never_listed,) = (await api.get("/labelers")).items
    assert (never_listed["complete"], never_listed["listed_at"], never_listed["refused"]) == (False, None, 1)
    async with transaction(pool) as conn:
        await note_listed(conn, LABELER, T0)
    (listed,) = (await api.get("/labelers", country="TR")).items
    assert (listed["complete"], listed["gap"]) == (True, None)
    async with transaction(pool) as conn:
        await note_gap(conn, LABELER, LabelGap.OUTDATED_CURSOR, T0 + HOUR)
    (gap,) = (await api.get("/labelers")).items
    assert (gap["complete"], gap["gap"]) == (False, "outdated_cursor")
    assert (await api.get("/labelers", country="DE")).items == []
