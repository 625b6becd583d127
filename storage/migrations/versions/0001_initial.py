"""The first schema: 0001_initial.sql beside this file."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0001"
down_revision = None


def upgrade() -> None:
    execute_script(Path(__file__).with_suffix(".sql"))
