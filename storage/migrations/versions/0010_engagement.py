"""Which acts of executives a rule has told."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0010_engagement.sql"))
