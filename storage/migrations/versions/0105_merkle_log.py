"""A Merkle tree over the hash chain, computed from its entries, and signed checkpoints of it."""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0105"
down_revision = "0104"
rewrites = ()


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0105_merkle_log.sql"))
