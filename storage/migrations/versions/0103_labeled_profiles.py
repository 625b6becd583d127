"""Who the subject of a label is, by its public profile."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0103"
down_revision = "0102"
rewrites = ()


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0103_labeled_profiles.sql"))
