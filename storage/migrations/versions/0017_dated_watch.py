"""Who was watched and who was on a list are dated: nothing said of the past follows an edit of today."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0017_dated_watch.sql"))
