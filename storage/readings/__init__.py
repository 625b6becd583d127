"""Readings, coverage, evidence and rosters: the proof of what was read, and when.

It may import `postgres` and `model`, and no other folder of `storage`. Begin with `coverage.py`. It stores
one row per request; `readings.py` rebuilds every single reading from these rows.
"""
