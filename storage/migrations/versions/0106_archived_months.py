"""Months of coverage in an archive outside of the database; the views for SQL clients count them."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0106"
down_revision = "0105"
rewrites = ()


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0106_archived_months.sql"))
