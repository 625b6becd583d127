"""People who log in, their sessions and tokens, and what the team writes about accounts."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    for name in ("0011_people.sql", "0011_notes.sql"):
        execute_script(Path(__file__).with_name(name))
