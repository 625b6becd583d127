"""The part of a purge that is about causes: they name an account, and their documents were written to it."""

from storage.postgres.pool import Conn


async def forget_documents(conn: Conn, account_id: int) -> None:
    """Remove the documents about the account and its changes that are about nothing else, or only about
    accounts that were purged since. The causes stay, with the hashes of the documents.
    """
    await conn.execute(
        """
        with about as (
            select s.document from cause s left join change c using (change_id)
            where coalesce(s.account_id, c.account_id) = $1
        )
        delete from cause_document d using about
        where d.sha256 = about.document and not exists (
            select from cause s left join change c using (change_id)
            where s.document = d.sha256 and coalesce(s.account_id, c.account_id) is distinct from $1
                and not exists (
                    select from purge_log p
                    where p.account_id = coalesce(s.account_id, c.account_id) and p.at >= s.recorded_at
                )
        )
        """,
        account_id,
    )


async def forget_causes(conn: Conn, account_id: int, purge_id: int) -> None:
    """For a whole purge: remove what was said of the account and of its changes.

    The entries of the hash chain stay, and `purged_cause` says why their rows are gone.
    """
    await conn.execute(
        """
        insert into purged_cause (cause_id, purge_id)
        select s.cause_id, $2 from cause s left join change c using (change_id)
        where coalesce(s.account_id, c.account_id) = $1
        """,
        account_id,
        purge_id,
    )
    await conn.execute(
        "delete from cause where cause_id in (select cause_id from purged_cause where purge_id = $1)",
        purge_id,
    )
