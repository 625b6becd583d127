"""Coverage in less room: what only some requests have to tell stands in one column."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0006_coverage.sql"))
