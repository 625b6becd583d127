"""Figures about orders and countries: compliance, claims, restoration and published demands.

Pure: standard library only. It may import `core`.
Begin with `cohort.py`. It derives the kinds of the accounts that an order names; `restoration.py` computes
how long they were blocked.
"""
