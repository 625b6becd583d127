"""Requests that a clock dated ahead of time, set aside."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0018_coverage_aside.sql"))
