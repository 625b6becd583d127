"""What is recorded counts as known at moments in the order of the commits."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0019_recording_order.sql"))
