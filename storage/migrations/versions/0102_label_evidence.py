"""What a labeler signed and the log of its keys, so that others can verify a label without us."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0102"
down_revision = "0101"
rewrites = ()


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0102_label_evidence.sql"))
