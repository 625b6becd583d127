"""Three platforms: side facts, places, vantages, control accounts that are looked after."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    execute_script(Path(__file__).with_suffix(".sql"))
