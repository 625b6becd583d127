"""The schema of the database, as Alembic migrations.

Each file in `versions` runs the SQL files beside it. A change of the schema is a new file there. A
version may import `storage.postgres`, and `storage.work` for the tables of the queue.
Begin with the newest file in `versions`. `env.py` connects Alembic to `storage.postgres.migrate`.
"""
