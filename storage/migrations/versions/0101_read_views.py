"""The schema `blockline_read`: views with stable names and columns, for SQL clients such as Grafana.

A view uses the columns of its tables. A later migration that changes one of these columns first drops the
view, and then creates it again.
"""

from pathlib import Path

from storage.postgres.migrate import execute_script

revision = "0101"
down_revision = "0100"
rewrites = ()


def upgrade() -> None:
    execute_script(Path(__file__).with_name("0101_read_views.sql"))
