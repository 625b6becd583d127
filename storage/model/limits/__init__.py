"""Limits on requests: shared rate limits, and the split of a daily cost limit.

Pure: standard library only. It may import `core`.
Begin with `rate_limits.py`. It decides when a request may be sent; `daily_cost_shares.py` divides the
accounts that a day's money pays for.
"""
