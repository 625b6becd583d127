"""Purges: removing what an account wrote, or all that is known about it.

Its ids, statuses and times stay, except after a whole purge. It is the top of `storage` and may import
every other folder of it.
Begin with `purge.py`. It holds `purge_account`; `whole_account.py` removes the rest and leaves a number that
names nobody.
"""
