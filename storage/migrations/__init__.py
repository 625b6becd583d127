"""The schema of the database, as Alembic migrations.

The tables can be read in `versions/0100_*.sql`: one file per table group, in the order to read them in, with
a comment on every table and column. The views for SQL clients are in `versions/0101_read_views.sql`. A
change of the schema is a new pair of files beside them. A version may import `storage.postgres`, and
`storage.work` for the tables of the queue.
Begin with the newest file in `versions`. `env.py` connects Alembic to `storage.postgres.migrate`.
"""
