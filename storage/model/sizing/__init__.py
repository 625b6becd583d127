"""Sizing: what it takes to watch so many accounts, and how late a change is seen.

Pure: standard library only. It may import `core`, `limits` and `text`.
Begin with `sizing.py`. It computes every figure; `facts.py` holds the platform limits, prices and
measurements behind them.
"""
