"""What became of the names of orders before: so that what was known at a time stays what it was."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0009_order_names.sql"))
