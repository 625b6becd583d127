"""Run by Alembic for `storage.postgres.migrate`, which hands over an open connection. Configures no
logging.
"""

from alembic import context
from sqlalchemy import Connection


def run() -> None:
    connection = context.config.attributes["connection"]
    if not isinstance(connection, Connection):
        raise TypeError("run migrations with storage.postgres.migrate, not with the alembic command")
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()


run()
