"""When an act of an executive was recorded, which is later than when it was seen: so it is of a record."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0022_recorded_signals.sql"))
