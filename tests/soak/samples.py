"""What is looked at each simulated day, as one flat row of named figures."""

import os
import statistics
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from storage.postgres.pool import Pool
from tests.soak.visitors import Follower, open_pages

HISTORY = frozenset(
    {
        *("account", "account_day", "watch_period", "membership", "rename", "handle_record"),
        *("coverage_row", "coverage_aside", "roster", "evidence", "recording_order", "live_event"),
        *("change", "change_outcome", "pending_step", "spell", "fact", "chain", "audit_log", "audit_chain"),
        *("alert", "alert_decision", "story", "story_wave", "mail", "mail_alert"),
        *("purge_log", "retention_log", "backup_log", "operator_condition"),
    }
)
"""Tables that keep what happened. They grow with it, and must not grow faster."""
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_MB = 2**20


def of_process(pid: int) -> tuple[float, int]:
    """Resident memory in MB, and open descriptors. Raises OSError if it has ended."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * _PAGE_BYTES / _MB, len(list(Path(f"/proc/{pid}/fd").iterdir()))


def of_processes(pids: Mapping[str, int]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, pid in pids.items():
        found[f"memory_mb {name}"], found[f"descriptors {name}"] = of_process(pid)
    return found


async def of_database(pool: Pool, pids: Mapping[str, int]) -> dict[str, float]:
    """Connections by process, partitions, sizes in KB, readings, bytes per reading, mails."""
    found: dict[str, float] = {}
    names = {f" {pid}": name for name, pid in pids.items()}
    for r in await pool.fetch(
        "select application_name, count(*) as n from pg_stat_activity "
        "where backend_type = 'client backend' group by 1"
    ):
        for ending, name in names.items():
            if r["application_name"].endswith(ending):
                found[f"connections {name}"] = r["n"]
    sizes: dict[str, float] = {}
    for r in await pool.fetch(
        """
        select coalesce(p.inhparent::regclass::text, c.relname) as name,
            sum(pg_table_size(c.oid)) / 1024.0 as rows, sum(pg_indexes_size(c.oid)) / 1024.0 as indexes
        from pg_class c left join pg_inherits p on p.inhrelid = c.oid
        where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace group by 1
        """
    ):
        found[f"table_kb {r['name']}"], found[f"index_kb {r['name']}"] = float(r["rows"]), float(r["indexes"])
        sizes[r["name"]] = float(r["rows"] + r["indexes"])
    found["partitions"] = await pool.fetchval(
        "select count(*) from pg_inherits where inhparent = 'coverage_row'::regclass"
    )
    found["readings"] = float(
        await pool.fetchval(
            """
            select coalesce(sum(coalesce(bit_count(c.answered), cardinality(r.account_ids))), 0)
            from coverage c join roster r using (roster_id) where c.outcome = 0
            """
        )
    )
    if found["readings"]:
        found["bytes_per_reading"] = 1024 * (sizes["coverage_row"] + sizes["roster"]) / found["readings"]
    found["mails"] = await pool.fetchval("select count(*) from mail where state = 'sent'")
    found["mails waiting"] = await pool.fetchval("select count(*) from mail where state <> 'sent'")
    found["changes"] = await pool.fetchval("select count(*) from change where kind <> 'baseline'")
    return found


async def of_dashboards(
    pool: Pool, addresses: Mapping[str, str], followers: Mapping[str, Follower], since: datetime, speed: float
) -> tuple[dict[str, float], list[str]]:
    """Latencies of pages and of the push in real milliseconds, and what failed."""
    found: dict[str, float] = {}
    failed: list[str] = []
    account_id = await pool.fetchval("select min(account_id) from account where watched")
    for name, address in addresses.items():
        pages, wrong = await open_pages(address, account_id)
        failed += [f"{name}: {what}" for what in wrong]
        for one in pages:
            found[f"page_ms {one.page} {name}"] = 1000 * one.simulated_s / speed
        if came := await followers[name].latencies(pool, since):
            found[f"push_ms {name}"] = 1000 * statistics.median(came) / speed
    return found, failed
