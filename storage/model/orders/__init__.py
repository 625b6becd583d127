"""Figures about orders and countries: compliance, claims, restoration and published demands.

Pure: standard library only. It may import `core`.
Begin with `cohort.py`. It says what became of the accounts that an order names; `restoration.py` says
how long they stayed blocked.
"""
