"""Many machines: the processes that read, the queue of what they are asked, and what each may ask."""

from pathlib import Path

from storage.postgres.migrate import execute_script, execute_sql
from storage.work.request_queue import TABLES

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0014_workers.sql"))
    execute_sql(TABLES)
