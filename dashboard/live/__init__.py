"""The data of the Live page: the first snapshot, and what is pushed to open browsers.

It may import every folder of `dashboard` except `server`, `api` and `replay`; and `storage`.
Begin with `push.py`. It holds `Hub`, which listens to the database and sends each change to every
browser; `snapshot_cache.py` makes the first answer.
"""
