"""Keeps everything small and can prove it: slimmer coverage, corrections, a hash chain, imports, care."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0003"
down_revision = "0002"

_PARTS = ("coverage", "truth", "readings", "chain", "imports", "care")


def upgrade() -> None:
    for part in _PARTS:
        execute_script(Path(__file__).with_name(f"0003_{part}.sql"))
