"""The states and spells that the API tells, as of any time and as known at any other."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts
from storage.changes.paged_changes import SpellFilter, spells_page
from storage.model.core.accounts import AccountId
from storage.model.core.availability import State, Status
from storage.postgres.pool import Pool, transaction
from tests.support.clients.api import ALWAYS, AccountState, states_at
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, WITHHELD_IN, minutes

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
        new = [NewAccount(X, i, f"h{i}", ("Desk",) if i in "12" else ()) for i in "1234"]
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
    ("at", "known_at", "expected"),
    [
        pytest.param(
            None,
            None,
            {"1": (WITHHELD_IN, 90, 150), "2": (SUSPENDED, None, 60), "3": (AVAILABLE, 230, 240)},
            id="without a time everybody is told as last confirmed; who was never confirmed is not told",
        ),
        pytest.param(
            120,
            None,
            {"1": (AVAILABLE, None, 0), "2": (SUSPENDED, None, 60), "3": (IN_TR, 60, 120)},
            id="a spell holds from its first moment",
        ),
        pytest.param(
            239,
            None,
            {"1": (WITHHELD_IN, 90, 150), "2": (SUSPENDED, None, 60), "3": (IN_TR, 60, 120)},
            id="to its last",
        ),
        pytest.param(30, None, {"1": (AVAILABLE, None, 0), "3": (AVAILABLE, None, 0)}, id="not before"),
        pytest.param(
            170,
            199,
            {"1": (AVAILABLE, None, 0), "2": (SUSPENDED, None, 60)},
            id="as known before a change was confirmed, it was not so",
        ),
        pytest.param(
            170,
            200,
            {"1": (WITHHELD_IN, 90, 150), "2": (SUSPENDED, None, 60)},
            id="as known from then on, it was",
        ),
        pytest.param(170, 0, {"1": (AVAILABLE, None, 0)}, id="what was not recorded yet was not known"),
        pytest.param(
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
    at: float | None,
    known_at: float | None,
    expected: States,
) -> None:
    async with transaction(pool) as conn:
        told = await states_at(conn, moment(at) or ALWAYS, moment(known_at) or ALWAYS)
    assert told == {
        ids[i]: AccountState(state, moment(onset_after), minutes(since))
        for i, (state, onset_after, since) in expected.items()
    }


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
async def test_spells_are_those_that_reach_into_a_time(
    pool: Pool,
    ids: dict[str, AccountId],
    since: float,
    until: float,
    known_at: float | None,
    expected: list[tuple[State, float | None, float, float | None]],
) -> None:
    async with transaction(pool) as conn:
        told = [
            spell
            for i in "34"
            for spell in await spells_page(
                conn, SpellFilter(minutes(since), minutes(until), moment(known_at), ids[i]), None, 9
            )
        ]
    assert [(s.status, s.withheld_in, s.last_seen_old, s.since, s.until) for s in told] == [
        (state.status, list(state.withheld_in), moment(onset_after), minutes(begun), moment(ended))
        for state, onset_after, begun, ended in expected
    ]
