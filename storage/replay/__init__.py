"""Input for going back in time: the replay film, and stored readings to evaluate again.

It may import every folder of `storage` except `purge`, `imports` and `stories`.
Begin with `film.py`. It reads all that was recorded about accounts, and when; `account_inputs.py` loads
the readings for another set of rules.
"""
