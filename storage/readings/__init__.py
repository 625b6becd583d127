"""Readings, coverage, evidence and rosters: the proof of what was read, and when.

A roster is a fixed set of accounts that are asked about together.

It may import `postgres` and `model`, and no other folder of `storage`. Begin with `coverage.py`, which stores
one row per request. `readings.py` rebuilds every single reading from these rows.
"""
