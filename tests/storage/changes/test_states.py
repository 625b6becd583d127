"""States, timelines, counts, and how well accounts are read: what is asked about many accounts at once."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.accounts.accounts import NewAccount, add_accounts
from storage.changes.counts import counts
from storage.changes.states import AccountState, members, states, timelines
from storage.model.core.accounts import Account, AccountId, Platform
from storage.model.core.availability import Spell, State, Status
from storage.model.core.coverage import BatchOutcome
from storage.model.core.packed_columns import instants, integers, microseconds
from storage.postgres.pool import Pool, transaction
from storage.readings.last_reading import AnswerRate, Late, answers, last_confirmed, late_accounts
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, WITHHELD_IN, minutes
from tests.support.seeds.single_rows import batch, read, roster_of

IN_TR = State(Status.WITHHELD, ("IN", "TR"))
Told = tuple[str, State, float | None, float, float | None, float, float | None]
"""Account, state, and in minutes: onset after, since, until, believed from, believed until."""

SPELLS: Sequence[Told] = (
    ("1", AVAILABLE, None, 0, None, 0, 200),
    ("1", AVAILABLE, None, 0, 150, 200, None),
    ("1", WITHHELD_IN, 90, 150, None, 200, None),
    ("2", SUSPENDED, None, 60, None, 60, None),
    ("3", AVAILABLE, None, 0, 120, 130, None),
    ("3", IN_TR, 60, 120, 240, 250, None),
    ("3", AVAILABLE, 230, 240, None, 250, None),
)


def moment(minute: float | None) -> datetime | None:
    return None if minute is None else minutes(minute)


@pytest.fixture
async def ids(pool: Pool) -> dict[str, AccountId]:
    """Three accounts and what is and was believed of them; a fourth of which nothing is confirmed."""
    async with transaction(pool) as conn:
        new = [NewAccount(Platform.X, i, f"h{i}", ("Desk",) if i in "12" else ()) for i in "1234"]
        await add_accounts(conn, new, T0)
        ids = {
            r["native_id"]: AccountId(r["account_id"])
            for r in await conn.fetch("select native_id, account_id from account")
        }
    await tell(pool, ids, SPELLS)
    return ids


async def tell(pool: Pool, ids: dict[str, AccountId], spells: Sequence[Told]) -> None:
    """Write spells as the projection of changes would; the changes themselves do not matter here."""
    for n, (native_id, state, onset_after, since, until, known, unknown) in enumerate(spells):
        await pool.execute(
            """
            with made as (
                insert into change (
                    change_key, account_id, status, withheld_in, kind, strength, first_seen_new, recorded_at,
                    source
                )
                values ($1, $2, $3, $4, 'baseline', 'strong', $6, $6, 'x') returning change_id
            )
            insert into spell (account_id, change_id, status, withheld_in, onset_after, valid, recorded)
            select $2, change_id, $3, $4, $5, tstzrange($6, $7), tstzrange($8, $9) from made
            """,
            f"told:{n}",
            ids[native_id],
            state.status.value,
            state.withheld_in,
            moment(onset_after),
            minutes(since),
            moment(until),
            minutes(known),
            moment(unknown),
        )


States = dict[str, tuple[State, float | None, float]]
"""By account: state, and in minutes: onset after, since."""


@pytest.mark.parametrize(
    ("whom", "at", "known_at", "expected"),
    [
        pytest.param(
            None,
            None,
            None,
            {"1": (WITHHELD_IN, 90, 150), "2": (SUSPENDED, None, 60), "3": (AVAILABLE, 230, 240)},
            id="without a time everybody is told as last confirmed; who was never confirmed is not told",
        ),
        pytest.param("1", None, None, {"1": (WITHHELD_IN, 90, 150)}, id="or only those who are named"),
        pytest.param("4", None, None, {}, id="of whom nothing was confirmed, nothing is told"),
        pytest.param("", None, None, {}, id="of nobody, nothing is told"),
        pytest.param(
            None,
            120,
            None,
            {"1": (AVAILABLE, None, 0), "2": (SUSPENDED, None, 60), "3": (IN_TR, 60, 120)},
            id="a spell holds from its first moment",
        ),
        pytest.param("3", 239, None, {"3": (IN_TR, 60, 120)}, id="to its last"),
        pytest.param(None, 30, None, {"1": (AVAILABLE, None, 0), "3": (AVAILABLE, None, 0)}, id="not before"),
        pytest.param(
            "1",
            170,
            199,
            {"1": (AVAILABLE, None, 0)},
            id="as known before a change was confirmed, it was not so",
        ),
        pytest.param("1", 170, 200, {"1": (WITHHELD_IN, 90, 150)}, id="as known from then on, it was"),
        pytest.param(None, 170, 0, {"1": (AVAILABLE, None, 0)}, id="what was not recorded yet was not known"),
        pytest.param(
            "12",
            None,
            70,
            {"1": (AVAILABLE, None, 0), "2": (SUSPENDED, None, 60)},
            id="what was last known at a time is what was believed to last",
        ),
    ],
)
async def test_states_are_those_of_a_time_as_known_at_another(
    pool: Pool,
    ids: dict[str, AccountId],
    whom: str | None,
    at: float | None,
    known_at: float | None,
    expected: States,
) -> None:
    async with transaction(pool) as conn:
        named = None if whom is None else [ids[i] for i in whom]
        told = await states(conn, named, moment(at), moment(known_at))
    assert sorted(row for group in told for row in group) == [
        AccountState(ids[i], state, moment(onset_after), minutes(since))
        for i, (state, onset_after, since) in expected.items()
    ]
    assert [len(g) for g in told] == sorted((len(g) for g in told), reverse=True)


@pytest.mark.parametrize("whom", [None, "123"])
async def test_the_same_content_comes_in_the_same_order_however_it_is_stored(
    pool: Pool, ids: dict[str, AccountId], whom: str | None
) -> None:
    asked = None if whom is None else [ids[i] for i in whom]
    for moved in "13":
        await pool.execute("update spell set onset_after = onset_after where account_id = $1", ids[moved])
        async with transaction(pool) as conn:
            (group,) = await states(conn, asked, minutes(10), minutes(140))
            alone = await states(conn, asked, minutes(160), minutes(300))
        assert [a.account_id for a in group] == [ids["1"], ids["3"]]
        assert [g.state for g in alone] == [SUSPENDED, WITHHELD_IN, IN_TR]


async def test_a_list_is_asked_about_by_its_members(pool: Pool, ids: dict[str, AccountId]) -> None:
    async with transaction(pool) as conn:
        assert await members(conn, "Desk") == [ids["1"], ids["2"]]
        assert await members(conn, "no such list") == []


@pytest.mark.parametrize(
    ("since", "until", "known_at", "expected"),
    [
        pytest.param(
            100, 120, None, [(AVAILABLE, None, 0, 120)], id="a spell that begins at the end is not in it"
        ),
        pytest.param(
            239,
            241,
            None,
            [(IN_TR, 60, 120, 240), (AVAILABLE, 230, 240, None)],
            id="spells that reach into the time are told whole",
        ),
        pytest.param(
            240, 300, None, [(AVAILABLE, 230, 240, None)], id="a spell that ends at its beginning is not"
        ),
        pytest.param(0, 300, 120, [], id="as known when nothing was recorded, there was none"),
    ],
)
async def test_timelines_are_the_spells_of_a_time(
    pool: Pool,
    ids: dict[str, AccountId],
    since: float,
    until: float,
    known_at: float | None,
    expected: list[tuple[State, float | None, float, float | None]],
) -> None:
    async with transaction(pool) as conn:
        told = await timelines(conn, [ids["3"], ids["4"]], minutes(since), minutes(until), moment(known_at))
    assert told == [
        Spell(ids["3"], state, moment(onset_after), minutes(begun), moment(ended))
        for state, onset_after, begun, ended in expected
    ]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    since=st.integers(-30, 300),
    length=st.integers(-10, 400),
    step=st.integers(1, 90),
    whom=st.sampled_from([None, Platform.X, Platform.BLUESKY, "12", "3", ""]),
)
async def test_counts_are_what_counting_the_states_of_each_step_gives(
    pool: Pool, ids: dict[str, AccountId], since: int, length: int, step: int, whom: Platform | str | None
) -> None:
    named = whom if whom is None or isinstance(whom, Platform) else [ids[i] for i in whom]
    start, width = minutes(since), timedelta(minutes=step)
    async with transaction(pool) as conn:
        counted = await counts(conn, start, minutes(since + length), width, named)
        steps = range(max(0, -(-length // step)))
        by_step = [
            {g.state: len(g) for g in await states(conn, _ids(ids, whom), start + n * width)} for n in steps
        ]
    assert all(len(series) == len(steps) for series in counted.by_status.values())
    for n, expected in zip(steps, by_step, strict=True):
        statuses = {s: series[n] for s, series in counted.by_status.items() if series[n]}
        countries = {c: series[n] for c, series in counted.by_country.items() if series[n]}
        assert statuses == {
            status: sum(n for state, n in expected.items() if state.status is status)
            for status in {state.status for state in expected}
        }
        assert countries == {
            c: sum(n for state, n in expected.items() if c in state.withheld_in)
            for c in {c for state in expected for c in state.withheld_in}
        }


def _ids(ids: dict[str, AccountId], whom: Platform | str | None) -> list[AccountId] | None:
    if whom is Platform.BLUESKY:
        return []
    return [ids[i] for i in whom] if isinstance(whom, str) and not isinstance(whom, Platform) else None


@given(
    numbers=st.lists(st.integers(-(2**62), 2**62)),
    times=st.lists(st.none() | st.datetimes(timezones=st.just(T0.tzinfo))),
)
def test_a_column_gives_back_what_was_packed_into_it(
    numbers: list[int], times: list[datetime | None]
) -> None:
    assert list(integers(b"".join(n.to_bytes(8, "big", signed=True) for n in numbers))) == numbers
    since_epoch = [-(2**63) if t is None else microseconds(t) for t in times]
    column = instants(b"".join(n.to_bytes(8, "big", signed=True) for n in since_epoch))
    assert list(column) == times
    assert [column[i] for i in range(len(column))] == times


async def test_who_was_read_last_when_is_told_of_each(pool: Pool, ids: dict[str, AccountId]) -> None:
    """Four requests: all three answered, one was left out, nobody answered; and one from elsewhere."""
    async with transaction(pool) as conn:
        accounts = [Account(ids[i], Platform.X, i, f"h{i}") for i in "123"]
        together = await roster_of(conn, accounts)
        alone = await roster_of(conn, accounts[:1], base=False)
        elsewhere = await roster_of(conn, accounts, vantage="TR")
        await read(conn, batch(together, minutes(10)))
        await read(conn, batch(together, minutes(25), answered=(False, True, True)))
        await read(conn, batch(together, minutes(40), BatchOutcome.MISSED))
        await read(conn, batch(alone, minutes(15)))
        await read(conn, batch(elsewhere, minutes(60)))
        assert await last_confirmed(conn, list(ids.values())) == {
            ids["1"]: minutes(15),
            ids["2"]: minutes(25),
            ids["3"]: minutes(25),
        }
        assert await last_confirmed(conn, []) == {}
        assert await late_accounts(conn, list(ids.values()), minutes(15)) == [
            Late(ids["4"], None),
            Late(ids["1"], minutes(15)),
        ]
        assert await answers(conn, minutes(0), minutes(100)) == AnswerRate(4, 10, 6)
        assert (await answers(conn, minutes(10), minutes(40))).share == 6 / 7
        assert (await answers(conn, minutes(50), minutes(100))).share is None
