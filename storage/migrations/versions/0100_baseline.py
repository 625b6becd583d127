"""The whole schema, as of the first release: one SQL file per table group, in the order to read them in."""

from pathlib import Path

from storage.postgres.migrate import execute_script, execute_sql
from storage.work.request_queue import TABLES

revision = "0100"
down_revision = None
rewrites = ()


def upgrade() -> None:
    execute_sql(TABLES)
    for part in sorted(Path(__file__).parent.glob("0100_*.sql")):
        execute_script(part)
