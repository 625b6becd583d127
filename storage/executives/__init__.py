"""Engagements of executives: what they visibly did, whom they follow, and what cannot be observed.

It may import `accounts`, `backup`, `countries`, `embedded`, `export`, `people`, `readings`, `postgres`
and `model`.
Begin with `signals.py`. It stores each engagement once, together with the cursor of the read.
"""
