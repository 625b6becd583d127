"""Which countries the answers of a platform could speak of, and since when."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0016_country_scope.sql"))
