"""How many leaders share the accounts of a platform, and how far each has read the stream of events."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0107"
down_revision = "0106"
rewrites = ("stream_position",)


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0107_shards.sql"))
