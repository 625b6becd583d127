"""Alerts that a team can rely on: rules, stories, decisions, people; the state of the monitor itself."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0005"
down_revision = "0004"

_PARTS = ("alerts", "operators", "imports")


def upgrade() -> None:
    for part in _PARTS:
        execute_script(Path(__file__).with_name(f"0005_{part}.sql"))
