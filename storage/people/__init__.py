"""People who may log in, their sessions and tokens, and the limits on failed logins.

Only hashes of passwords, sessions and tokens are stored. It may import `postgres` and `model`, and no
other folder of `storage`.
Begin with `people.py`. It holds `Person`, and the functions that add, change and disable one.
"""
