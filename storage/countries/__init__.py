"""Withheld accounts by country, and published figures of legal demands.

It may import `postgres` and `model`, and no other folder of `storage`.
Begin with `countries.py`. It counts the accounts withheld in each country; `published_report.py` sets
published figures beside what was observed.
"""
