"""Accounts, lists, handles, tags, notes, side facts and control accounts.

It may import `postgres` and `model`, and no other folder of `storage`.
Begin with `accounts.py`. It holds `add_accounts`, `memberships` and `stop_watching`; `lookup.py` finds
the account that a user means.
"""
