"""The synthetic scenario India 2021: accounts, statuses, engagements and orders.

The totals are published ones. Persons, hours and every split below the totals are invented. It is pure
and may import `collectors.simulator` and `storage.model`.
Begin with `india.py`. It holds `scenario`, which assembles the whole history from the other modules.
"""
