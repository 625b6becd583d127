"""Since when a rule takes what it takes."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0007_rules.sql"))
