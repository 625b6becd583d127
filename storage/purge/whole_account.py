"""The whole purge: an account is forgotten, and what is left of it is a number that names nobody.

The number stays because rosters and coverage, the proof that we looked, hold it. The chain keeps its entries,
which are hashes; `purged_change` says that what they attested was purged. Two things are not looked through:
the texts and documents of orders, which their users brought, and copies that left the house (mails, exports,
packs, backups). What executives do towards the account later is collected as before, under the id that the
platform gives, and so are labels that a labeler still lists.
"""

from collections.abc import Sequence
from datetime import datetime

from storage.causes.forget import forget_causes
from storage.countries.label_record import forget_labels
from storage.model.core.accounts import Platform
from storage.postgres.pool import Conn


def nobody(account_id: int) -> str:
    """What stands in place of the id that the platform gave, and of every name."""
    return f"purged-{account_id}"


async def remove_facts(conn: Conn, account_id: int, platform: str, names: Sequence[str]) -> int:
    """Remove its side facts, and those that say of another account that it moved there."""
    return await conn.fetchval(
        """
        with gone as (
            delete from fact f using account a
            where a.account_id = f.account_id
                and (f.account_id = $1 or (a.platform = $2 and f.value = any($3::text[])))
            returning 1
        )
        select count(*) from gone
        """,
        account_id,
        platform,
        names,
    )


async def remove(
    conn: Conn, account_id: int, purge_id: int, platform: str, native_id: str, now: datetime
) -> None:
    """Remove everything that points to the account, after its content went and the purge was logged."""
    await forget_causes(conn, account_id, purge_id)
    await _remove_changes(conn, account_id, purge_id)
    await _remove_acts(conn, account_id, platform, native_id, now)
    await forget_labels(conn, Platform(platform), native_id)
    for command in _REST:
        await conn.execute(command, account_id)
    await conn.execute(
        "update account_day set native_id = $3 where platform = $1 and native_id = $2",  # it was paid for
        platform,
        native_id,
        nobody(account_id),
    )
    await conn.execute(
        "update account set native_id = $2 where account_id = $1", account_id, nobody(account_id)
    )


async def _remove_changes(conn: Conn, account_id: int, purge_id: int) -> None:
    """The append-only tables let a change go once `purged_change` names it: that is on record for ever."""
    hashes = await conn.fetch(
        """
        select distinct sha256 from change, unnest(array[old_evidence, new_evidence]) as sha256
        where account_id = $1 and sha256 is not null
        """,
        account_id,
    )
    await conn.execute(
        """
        insert into purged_change (change_id, purge_id)
        select change_id, $2 from change where account_id = $1
        """,
        account_id,
        purge_id,
    )
    for command in _CHANGES:
        await conn.execute(command, account_id)
    await conn.execute(
        """
        delete from evidence e where e.sha256 = any($1::bytea[])
            and not exists (select from change where old_evidence = e.sha256)
            and not exists (select from change where new_evidence = e.sha256)
        """,
        [r["sha256"] for r in hashes],
    )


_CHANGES = (
    "delete from alert where change_id in (select change_id from change where account_id = $1)",
    "delete from spell where account_id = $1",
    "delete from pending_change where account_id = $1",
    "delete from pending_step where change_id in (select change_id from change where account_id = $1)",
    "delete from change_outcome where change_id in (select change_id from change where account_id = $1)",
    "delete from change where account_id = $1",
)
"""Whatever points to a change goes before it."""


async def _remove_acts(conn: Conn, account_id: int, platform: str, native_id: str, now: datetime) -> None:
    """Acts of executives towards it, and if it is an executive its own.

    What is removed is met again by the next look at a whole list: so that it is not taken for a new act, that
    look is made a first one, which says of nothing when it began.
    """
    await conn.execute(
        """
        with gone as (
            delete from signal s using account a
            where a.account_id = s.account_id
                and (s.account_id = $1 or (a.platform = $2 and $3 in (s.target_id, s.target_author_id)))
            returning s.account_id, s.kind
        )
        insert into signal_access (account_id, kind, since, observable, reason)
        select distinct gone.account_id, gone.kind, $4::timestamptz, false,
            'Likes are read anew: somebody whom they liked was purged.'
        from gone
        where gone.kind = 'like' and (
            select s.observable from signal_access s
            where s.account_id = gone.account_id and s.kind = gone.kind order by s.since desc limit 1
        )
        on conflict do nothing
        """,
        account_id,
        platform,
        native_id,
        now,
    )
    await conn.execute(
        """
        with gone as (
            delete from follow f using account a
            where a.account_id = f.account_id
                and (f.account_id = $1 or (a.platform = $2 and f.target_id = $3))
            returning f.account_id
        )
        delete from follow_reading where account_id in (select account_id from gone)
        """,
        account_id,
        platform,
        native_id,
    )


_REST = (
    "delete from imported_span where account_id = $1",
    "delete from follow_reading where account_id = $1",
    "delete from signal_access where account_id = $1",
    "delete from engagement_counter where account_id = $1",
    "delete from executive where account_id = $1",
    "delete from rename where account_id = $1",
    "delete from handle_record where account_id = $1",
    "delete from membership where account_id = $1",
    "delete from watch_period where account_id = $1",
    "delete from mute where account_id = $1",
    "delete from canary where account_id = $1",
    "delete from account_note where account_id = $1",
)
