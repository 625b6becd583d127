"""Accounts that a platform bills by the day: which were paid for, under which ceiling."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0015_account_days.sql"))
