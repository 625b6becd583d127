"""What became of a fact is told to everybody who was told of it before, also outside of the rules."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0021_promises.sql"))
