"""Why rosters are read, how often lists are promised to be read, and what the planner learned."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0013_planner.sql"))
