"""Ends of incidents at pagers; views of incidents in place of functions that were called for each one."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0104"
down_revision = "0103"
rewrites = ()


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0104_incidents.sql"))
