"""The connection to Postgres: pool, transactions, errors, locks, migration, the audit log and the Merkle log.

Nothing outside of `storage` sees an asyncpg error; it sees the errors of `errors.py`. It may import
`model` and no other folder of `storage`.
Begin with `pool.py`. It holds `open_pool`, `transaction` and `listen`; `migrate.py` brings a database
to the schema of this version.
"""
