"""What a purge takes out of acts of executives: words, and handles by which a record names whom they met."""

from collections.abc import Sequence

from storage.postgres.pool import Conn


async def forget_content(
    conn: Conn, account_id: int, platform: str, native_id: str, names: Sequence[str]
) -> None:
    """Put its native id where acts name it by one of `names`, and take the words of orders out of its own
    acts and of those towards it: what is reposted or quoted is what it wrote.
    """
    await conn.execute(
        """
        update signal s
        set target_author_id = $2,
            target_id = case when s.target_id = any($3::text[]) then $2 else s.target_id end
        from account e
        where e.account_id = s.account_id and e.platform = $1 and s.target_author_id = any($3::text[])
        """,
        platform,
        native_id,
        [f"@{name.lower()}" for name in names],
    )
    await conn.execute(
        """
        delete from signal_word w using signal s, account a
        where s.signal_id = w.signal_id and a.account_id = s.account_id
            and (s.account_id = $1 or (a.platform = $2 and $3 in (s.target_id, s.target_author_id)))
        """,
        account_id,
        platform,
        native_id,
    )
