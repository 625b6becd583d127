"""A name check: what stored accounts tell at once, what waits for a platform, and what is watched of it."""

from collections.abc import Sequence

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts, record_renames, stop_watching
from storage.accounts.listing import on_file
from storage.accounts.name_checks import (
    answer,
    lines_of,
    name_check,
    open_check,
    take_waiting,
    watch_lines,
)
from storage.model.core.accounts import HandleChange, Platform
from storage.model.core.availability import State
from storage.model.tables.csv_rows import TableError
from storage.model.tables.name_check import LineStatus, check_lines
from storage.model.tables.name_matching import ResolvedName
from storage.postgres.audit_log import acts
from storage.postgres.pool import Conn, Pool, transaction
from storage.purge.purge import purge_account
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.changes import enlist

PASTED = """x:h1
https://x.com/h2/status/5
@before, x:stranger
x id:77
https://www.tiktok.com/@name
https://vk.com/somebody
handle.bsky.social
!!
plain
"""


async def opened(
    conn: Conn, text: str, platform: Platform | None = None, read: tuple[Platform, ...] | None = None
) -> int:
    return await open_check(
        conn, check_lines(text, "the list", platform), "the list", platform, read, "Asha", T0
    )


async def shown(conn: Conn, check_id: int) -> list[tuple[int, str, LineStatus]]:
    return [(one.said.line, one.said.words, one.status) for one in await lines_of(conn, check_id)]


async def a_check(conn: Conn) -> int:
    one, _ = await enlist(conn, X, ["1", "2"])
    await add_accounts(conn, [NewAccount(X, "post:5", "h2/5")], T0)
    await stop_watching(conn, X, "h2/5", minutes(2))
    await record_renames(conn, [HandleChange(one.account_id, "before", "h1", T0, minutes(1))], minutes(1))
    await stop_watching(conn, X, "h2", minutes(2))
    return await opened(conn, PASTED, X)


async def test_a_platform_that_the_settings_leave_out_is_named_and_not_waited_for(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (line,) = await lines_of(conn, await opened(conn, "x:one", read=(BLUESKY,)))
    assert (line.status, line.words) == (LineStatus.NOT_READ, "The setting platforms leaves out X.")


async def test_chosen_lines_are_watched_once_each_with_lists_and_tags_and_say_what_was_done(
    pool: Pool,
) -> None:
    async with transaction(pool) as conn:
        check_id = await a_check(conn)
        check = await name_check(conn, check_id)
        assert check is not None
        results = await watch_lines(conn, check, [1, 2, 3, 4], ("Desk",), ("press",), "Asha", minutes(5))
        lines = await lines_of(conn, check_id)
        stored = await on_file(conn, X, ["1", "post:5"])
        (entry,) = [act for act in await acts(conn, 9) if act.action == "accounts imported"]
    assert [(one.what, one.did) for one in results] == [
        ("@h1 (1)", "was watched already, now on the list Desk, tagged press"),
        ("@h2/5 (post:5)", "is watched from now on, now on the list Desk, tagged press"),
    ]
    assert [line.done for line in lines[:4]] == [results[0].did, results[1].did, results[0].did, ""]
    assert {(one.watched, one.lists, one.tags) for one in stored.values()} == {(True, ("Desk",), ("press",))}
    assert (entry.actor, entry.subject) == ("Asha", "the list")


async def test_a_purge_removes_the_lines_of_the_account_and_no_late_answer_brings_them_back(
    pool: Pool,
) -> None:
    async with transaction(pool) as conn:
        one, _ = await enlist(conn, X, ["1", "2"])
        await record_renames(conn, [HandleChange(one.account_id, "before", "h1", T0, minutes(1))], minutes(1))
        check_id = await opened(conn, "x:h1 x:before https://x.com/h1/status/5 x:h2 x:h11 x:id:1 h1")
        await conn.execute(
            "update name_check_line set ask_at = $1, outcome = 'not tried', "
            "found_id = null, found_handle = null where position = 1",
            T0,
        )
        names = await take_waiting(conn, X, minutes(1), 1)
        await purge_account(conn, one.account_id, minutes(2))
        await answer(conn, names, {("h1", False): ResolvedName("1", "h1")}, minutes(3))
        left = [words for _, words, _ in await shown(conn, check_id)]
    assert left == ["x:h2", "x:h11"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("\n" * 50_001, "it has more than 50,000 lines"),
        ("\n".join(f"x:h{n}" for n in range(20_001)), "it has 20,001 names. The most is 20,000"),
        (",".join(f"x:h{n}" for n in range(50_001)), "it has more than 50,000 names"),
    ],
    ids=["empty lines", "names", "names on one line"],
)
def test_what_would_take_minutes_to_read_is_refused(text: str, why: str) -> None:
    with pytest.raises(TableError, match=why):
        check_lines(text, "the list", None)


Period = tuple[State, str | None]
"""A state with a flag of its change. Each begins an hour after the one before."""


def plain(*states: State) -> list[Period]:
    return [(state, None) for state in states]


async def tell(pool: Pool, periods: Sequence[Period], known: float = 0) -> None:
    """Write the status periods of one account as the projection of its changes would."""
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(X, "1", "h1", ("Desk",))], T0)
        account_id = await conn.fetchval("select account_id from account")
        for n, (state, flag) in enumerate(periods):
            await conn.execute(
                """
                with made as (
                    insert into change (
                        change_key, account_id, status, withheld_in, flags, kind, strength, first_seen_new,
                        recorded_at, source
                    )
                    values ($1, $2, $3, $4, $5, 'baseline', 'strong', $6, $6, 'x') returning change_id
                )
                insert into spell (account_id, change_id, status, withheld_in, onset_after, valid, recorded)
                select $2, change_id, $3, $4, null, tstzrange($6, $7), tstzrange($8, null) from made
                """,
                f"told:{n}",
                account_id,
                state.status.value,
                state.withheld_in,
                [] if flag is None else [flag],
                minutes(60 * n),
                minutes(60 * (n + 1)) if n + 1 < len(periods) else None,
                minutes(known),
            )
