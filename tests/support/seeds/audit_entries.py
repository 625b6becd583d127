"""Acts in the audit log, and what the owner of the tables can do to them."""

from storage.postgres.audit_log import log
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import minutes


async def logged(pool: Pool, acts: int = 6) -> None:
    """Acts 1, 2, 3 …, each in a transaction of its own."""
    for n in range(1, acts + 1):
        async with transaction(pool) as conn:
            await log(conn, minutes(n), "ada", "tags changed", f"account {n}", {"before": [], "tags": ["a"]})


async def as_owner(pool: Pool, *commands: str) -> None:
    """What whoever owns the tables can do: no trigger fires."""
    async with transaction(pool) as conn:
        for table in ("audit_log", "audit_chain", "chain"):
            await conn.execute(f"alter table {table} disable trigger user")
        for command in commands:
            await conn.execute(command)
        for table in ("audit_log", "audit_chain", "chain"):
            await conn.execute(f"alter table {table} enable trigger user")


AUDIT_CHAIN_MADE_AGAIN = """
    do $$
    declare
        a audit_log;
        head bytea := decode(repeat('00', 32), 'hex');
        n bigint := 0;
    begin
        truncate audit_chain;
        for a in select * from audit_log order by audit_id loop
            head := sha256(head || chain_leaf(chain_statement(a)));
            n := n + 1;
            insert into audit_chain values (n, a.audit_id, chain_leaf(chain_statement(a)), head);
        end loop;
    end
    $$
"""
"""The whole chain over what the audit log now holds, as if that had always stood there."""


CHAIN_HEAD_MADE_AGAIN = """
    alter table chain_anchor drop constraint chain_anchor_seq_fkey;
    delete from chain where audit_seq is not null;
    select chain_audit_head('2021-02-01 01:00Z')
"""
"""The head of the audit log in the chain of changes too, where it was the last entry."""
