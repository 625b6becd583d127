"""What the page of a country says of its labelers, and that it never says more than their labels do."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from collectors.bluesky.declaration import BLUESKY
from dashboard.auth.access import acting_as
from dashboard.ui.pages import NOTHING
from storage.accounts.accounts import NewAccount, add_accounts
from storage.countries.label_census import LabelFilter, LabelPosition, labeled_subjects
from storage.countries.label_record import (
    KEPT_REFUSED,
    end_labelers,
    note_gap,
    note_heard,
    note_listed,
    note_lost,
    note_unlisted,
)
from storage.countries.labeled_profiles import LabeledProfile, record_profiles
from storage.model.core.labels import LabelGap, LabelRefusal, RefusedLabel, SignedLabel
from storage.model.core.people import Actor, Role
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_text import said
from tests.support.samples.label_signing import FORGED, LABELER, POST, SUBJECT, stated, store
from tests.support.samples.readings import T0
from tests.support.servers.dashboard import SETTINGS, page_of

HOUR = timedelta(hours=1)
OTHER = "did:plc:another2222222222222222"
NOT_COLLECTED = "Not known: no labels of a labeler for this country are collected."


async def page(pool: Pool, path: str = "/countries/TR/labels", query: Mapping[str, str] = NOTHING) -> str:
    async with transaction(pool) as conn:
        return " ".join(said(await page_of(conn, path, T0, SETTINGS, "light", query)).split())


async def listed(pool: Pool, *labels: SignedLabel) -> None:
    """Store labels, and that the whole list was read."""
    await store(pool, *labels, at=T0 - HOUR)
    async with transaction(pool) as conn:
        await note_listed(conn, LABELER, T0 - HOUR)


async def test_without_any_label_a_list_that_was_read_whole_says_that_nothing_is_withheld(pool: Pool) -> None:
    await listed(pool)
    assert "the labeler withholds no account and no post in Turkey." in await page(pool)


async def test_what_may_be_missing_is_told(pool: Pool) -> None:
    await listed(pool, stated())
    async with transaction(pool) as conn:
        await note_heard(conn, LABELER, T0 - HOUR)
        await note_lost(conn, LABELER, "it closed the connection", T0 - HOUR)
        await note_gap(conn, LABELER, LabelGap.OUTDATED_CURSOR, T0 - HOUR / 2)
        await note_unlisted(conn, LABELER, "HTTP 403", T0)
    await store(pool, refused=(FORGED,))
    shown = await page(pool)
    for sentence in (
        "1 account in Turkey. Labels may be missing.",
        "It has not been connected since 31 Jan 2021, 23:00 UTC (“it closed the connection”).",
        "Labels may be missing: its stream no longer had all that followed the last received message "
        "(31 Jan 2021, 23:30 UTC), and its list was not read whole since.",
        "(“HTTP 403”)",
        "1 label is kept apart and not counted: it is not known to have signed them.",
    ):
        assert sentence in shown


async def test_labels_that_are_no_longer_collected_are_shown_with_their_end(pool: Pool) -> None:
    await listed(pool, stated())
    async with transaction(pool) as conn:
        await end_labelers(conn, BLUESKY, [], T0 - HOUR / 2)
    assert "Since 31 Jan 2021, 23:30 UTC its labels are not collected." in await page(pool)


async def test_where_nothing_is_collected_nothing_is_known(pool: Pool) -> None:
    shown = await page(pool)
    assert NOT_COLLECTED in shown
    assert "bluesky_collect_labels = true" in shown


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({}, {SUBJECT, OTHER, POST}, id="all"),
        pytest.param({"kind": "posts"}, {POST}, id="posts"),
        pytest.param({"kind": "accounts", "show": "unwatched"}, {OTHER}, id="accounts not watched"),
        pytest.param({"show": "watched"}, {SUBJECT}, id="watched"),
        pytest.param({"show": "lifted"}, {POST}, id="lifted"),
        pytest.param({"show": "relabeled"}, set[str](), id="labeled again"),
        pytest.param({"show": "withheld"}, {SUBJECT, OTHER}, id="withheld"),
        pytest.param({"show": "else", "after": "x~y"}, {SUBJECT, OTHER, POST}, id="unknown choices"),
    ],
)
async def test_the_address_chooses_what_is_shown(
    pool: Pool, query: Mapping[str, str], expected: set[str]
) -> None:
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(BLUESKY, SUBJECT, "somebody.test")], T0)
    await listed(pool, stated(), stated(OTHER), stated(POST, negated=True))
    shown = await page(pool, query=query)
    names = {SUBJECT: "@somebody.test", OTHER: f"Account {OTHER}", POST: f"Post {POST}"}
    assert {one for one, name in names.items() if name in shown} == expected


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        pytest.param((SUBJECT, True, "name.test", 12_400), "@name.test, 12,400 followers", id="an account"),
        pytest.param((POST, True, "name.test", 1), "By @name.test, 1 follower", id="the author of a post"),
        pytest.param((SUBJECT, True, "name.test", None), "@name.test", id="no number"),
        pytest.param((SUBJECT, True, None, 0), "No valid handle, 0 followers", id="no valid handle"),
        pytest.param((POST, True, None, None), "By an account without a valid handle", id="nor of an author"),
        pytest.param((SUBJECT, False, None, None), "No public profile was shown on 1 Feb 2021", id="none"),
        pytest.param((POST, False, None, None), "No public profile of its author was shown", id="no author"),
    ],
)
async def test_who_a_subject_is_comes_with_the_day_on_which_it_was_read(
    pool: Pool, profile: tuple[str, bool, str | None, int | None], expected: str
) -> None:
    await listed(pool, stated(profile[0]))
    assert "Feb 2021)" not in await page(pool)
    async with transaction(pool) as conn:
        await record_profiles(conn, BLUESKY, [LabeledProfile(*profile)], lambda: T0)
    shown = await page(pool)
    assert expected + (" (1 Feb 2021)" if profile[1] else "") in shown
    assert "label only: not read by us" in shown


@pytest.mark.parametrize(("role", "offered"), [(Role.VIEWER, False), (Role.ANALYST, True)])
async def test_only_analysts_are_offered_to_watch_what_is_labeled(
    pool: Pool, role: Role, offered: bool
) -> None:
    await listed(pool, stated())
    with acting_as(Actor("Asha", role)):
        shown = await page(pool)
    assert ("Watch the chosen ones" in shown) is offered
    assert ("Watch all 1 that are withheld and not watched" in shown) is offered


async def test_an_older_page_begins_after_the_newer_one(pool: Pool) -> None:
    await listed(pool, *(stated(f"{POST}{n:02}", T0 - n * HOUR) for n in range(60)))
    first = await page(pool)
    assert f"{POST}49" in first
    assert f"{POST}50" not in first
    assert "Older than these 50" in first
    async with transaction(pool) as conn:
        last = (await labeled_subjects(conn, LabelFilter("TR"), None, 50, T0))[-1]
        assert await labeled_subjects(
            conn, LabelFilter("TR"), LabelPosition(last.stated_at, last.label_id), 50, T0
        )
    second = await page(pool, query={"after": f"{last.stated_at.isoformat()}~{last.label_id}"})
    assert f"{POST}49" not in second
    assert f"{POST}50" in second
    assert "Older than" not in second


async def test_countries_of_labelers_are_listed_without_any_withheld_account(pool: Pool) -> None:
    assert "what labelers state" not in await page(pool, "/countries")
    await listed(pool, stated())
    assert "Labels what labelers state Turkey" in await page(pool, "/countries")


async def test_the_page_of_a_country_is_there_for_its_labels_alone(pool: Pool) -> None:
    assert "Labels in" not in await page(pool, "/countries/TR")
    await listed(pool, stated())
    shown = await page(pool, "/countries/TR")
    assert "the labeler withholds 1 account" in shown
    assert "No stored account or post was seen withheld here." in shown
    assert "ever withheld here" not in shown
    assert "No longer 0" in await page(pool, "/countries/TR/labels")


async def test_refused_labels_that_are_no_longer_kept_are_counted(pool: Pool) -> None:
    forged = [RefusedLabel(LABELER, LabelRefusal.FORGED, b"%d" % n) for n in range(KEPT_REFUSED + 2)]
    await store(pool, refused=tuple(forged))
    shown = await page(pool)
    assert "1,000 labels are kept apart and not counted" in shown
    assert "2 more were received and are no longer kept." in shown


@pytest.mark.parametrize(
    ("labels", "offered"),
    [
        pytest.param((stated(), stated(POST)), True, id="one is not watched"),
        pytest.param((stated(),), False, id="all are watched"),
    ],
)
async def test_nothing_is_offered_to_choose_where_all_is_watched(
    pool: Pool, labels: tuple[SignedLabel, ...], *, offered: bool
) -> None:
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(BLUESKY, SUBJECT, "somebody.test")], T0)
    await listed(pool, *labels)
    with acting_as(Actor("Asha", Role.ANALYST)):
        shown = await page(pool)
    assert ("Watch the chosen ones" in shown) is offered
