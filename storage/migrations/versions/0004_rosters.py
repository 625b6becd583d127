"""Rosters in less room."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    execute_script(Path(__file__).with_suffix(".sql"))
