"""What orders name, the numbers said of them, their documents; engagement that others recorded."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0008_orders.sql"))
