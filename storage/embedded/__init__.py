"""The embedded Postgres: a server on this machine that needs no installation.

It may import `postgres` and `model`, and no other folder of `storage`.
Begin with `launcher.py`. It holds `embedded_postgres`, which starts the server of a data folder;
`upgrade.py` moves the data to a newer Postgres.
"""
