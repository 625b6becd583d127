"""Withheld accounts by country, labels of regional labelers, and published figures of legal demands.

It may import `postgres` and `model`, and no other folder of `storage`.
Begin with `countries.py`. It counts the accounts withheld in each country; `published_report.py` sets
published figures beside what was observed. `label_record.py` stores labels, `label_census.py` reads them.
"""
