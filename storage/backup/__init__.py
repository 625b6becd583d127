"""Backup and restore of a whole database, through one file with a hash of every part.

It may import `postgres` and `model`, and no other folder of `storage`.
Begin with `archive.py`. It defines the format of the file; `contents.py` says which tables belong in it;
`backup.py` writes one, `restore.py` fills an empty database from it, and `backup_log.py` records each.
"""
