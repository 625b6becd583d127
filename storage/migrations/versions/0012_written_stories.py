"""Stories that people write."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0012_written_stories.sql"))
