"""Who took an account down follows from the newest look at it, not from the first."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0020_scoped_flags.sql"))
