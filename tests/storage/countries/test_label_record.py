"""Labels are stored once however often they come, with the position; gaps are kept until they are filled."""

from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from storage.countries.label_census import LabelerStatus, labelers
from storage.countries.label_evidence import label_evidence
from storage.countries.label_record import (
    follow_labeler,
    note_gap,
    note_heard,
    note_listed,
    note_lost,
    note_unlisted,
)
from storage.model.core.labels import (
    LabelGap,
    SignedLabel,
)
from storage.postgres.pool import Pool, transaction
from tests.support.samples.label_signing import FORGED, LABELER, POST, SUBJECT, stated, store
from tests.support.samples.readings import T0, minutes


async def position(pool: Pool) -> int:
    async with transaction(pool) as conn:
        return (await follow_labeler(conn, LABELER, BLUESKY, "TR", ["!hide"], T0)).seq


async def status(pool: Pool) -> LabelerStatus:
    async with transaction(pool) as conn:
        (only,) = await labelers(conn, "TR")
    return only


async def test_what_was_signed_is_added_to_a_label_of_a_version_that_did_not_keep_it(pool: Pool) -> None:
    await store(pool, stated(), stated(POST))
    async with transaction(pool) as conn:
        await conn.execute("update label set content = null where subject <> $1", POST)
        assert [one.content for one in (await label_evidence(conn, SUBJECT, 9)).labels] == [None]
    assert await store(pool, stated(), stated(POST)) == 0
    async with transaction(pool) as conn:
        for subject in (SUBJECT, POST):
            (found,) = (await label_evidence(conn, subject, 9)).labels
            assert found.content == stated(subject).content


async def test_forged_labels_are_counted_and_are_no_labels(pool: Pool) -> None:
    await store(pool, seq=7, refused=(FORGED,), at=minutes(1))
    await store(pool, seq=7, refused=(FORGED,), at=minutes(2))
    found = await status(pool)
    assert (found.refused, found.newest_refused_at) == (1, minutes(1))
    assert await pool.fetchval("select count(*) from label") == 0
    assert await position(pool) == 7


async def test_a_labeler_is_complete_after_its_whole_list_was_read_and_until_a_gap(pool: Pool) -> None:
    await store(pool, stated(), seq=7)
    assert not (await status(pool)).is_complete
    async with transaction(pool) as conn:
        await note_unlisted(conn, LABELER, "The list was refused.", minutes(1))
    assert (await status(pool)).unlisted_why == "The list was refused."
    async with transaction(pool) as conn:
        await note_listed(conn, LABELER, minutes(2))
    found = await status(pool)
    assert (found.is_complete, found.listed_at, found.unlisted_why) == (True, minutes(2), "")
    async with transaction(pool) as conn:
        await note_gap(conn, LABELER, LabelGap.OUTDATED_CURSOR, minutes(5))
    assert not (await status(pool)).is_complete


async def test_a_lost_stream_is_known_since_it_was_lost_until_it_is_connected(pool: Pool) -> None:
    await store(pool, stated(), seq=7)
    async with transaction(pool) as conn:
        await note_heard(conn, LABELER, minutes(1))
        await note_lost(conn, LABELER, "It broke off.", minutes(2))
        await note_lost(conn, LABELER, "It cannot be reached.", minutes(3))
    found = await status(pool)
    assert (found.heard_at, found.lost_at, found.lost_why) == (
        minutes(1),
        minutes(2),
        "It cannot be reached.",
    )
    async with transaction(pool) as conn:
        await note_heard(conn, LABELER, minutes(4))
    assert (await status(pool)).lost_at is None
    async with transaction(pool) as conn:
        await note_lost(conn, LABELER, "It broke off.", minutes(5))
    await store(pool, stated(POST), seq=8, at=minutes(6))
    found = await status(pool)
    assert (found.heard_at, found.lost_at) == (minutes(6), None), "labels that arrive say so too"


def related(labels: list[SignedLabel]) -> list[tuple[datetime, bool, bool, datetime | None]]:
    """Of each label about one subject, in the labeler's order: its time, whether it attaches the value anew,
    whether it withdraws what held, and when the next one was made.
    """
    found: list[tuple[datetime, bool, bool, datetime | None]] = []
    holds: datetime | bool | None = None  # until when the value is attached; None: nothing was said before
    for n, one in enumerate(labels):
        is_held = holds is True or (isinstance(holds, datetime) and holds > one.made_at)
        is_lifted = one.is_negated and (is_held or holds is None)
        next_at = labels[n + 1].made_at if n + 1 < len(labels) else None
        found.append((one.made_at, not one.is_negated and not is_held, is_lifted, next_at))
        holds = False if one.is_negated else one.expires_at or True
    return found


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[SignedLabel]]:
    """Labels about one subject, each at a time of its own, received in any order and in any batches."""
    labels = [
        stated(
            made_at=minutes(n),
            negated=draw(st.booleans()),
            expires_at=draw(st.none() | st.integers(n + 1, 12).map(minutes)),
        )
        for n in draw(st.sets(st.integers(0, 9), min_size=1, max_size=6))
    ]
    mixed = draw(st.permutations(labels))
    cut = draw(st.integers(0, len(mixed)))
    return [batch for batch in (mixed[:cut], mixed[cut:]) if batch]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=arrivals())
async def test_what_a_label_began_and_ended_does_not_depend_on_the_order_of_arrival(
    pool: Pool, batches: list[list[SignedLabel]]
) -> None:
    await pool.execute("delete from label")
    for batch in batches:
        await store(pool, *batch)
    rows = await pool.fetch("select made_at, is_added, is_lifted, replaced_at from label order by made_at")
    labels = sorted((one for batch in batches for one in batch), key=lambda one: one.made_at)
    assert [tuple(row) for row in rows] == related(labels)
