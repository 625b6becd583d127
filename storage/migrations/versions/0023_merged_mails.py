"""A mail that no server was sure to have taken may be merged into the later one that says both."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0023_merged_mails.sql"))
