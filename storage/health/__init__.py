"""The state of the installation: collectors, workers, issues, metrics and `blockline status`.

It may import every folder of `storage` except `purge`, `imports`, `replay`, `stories`, `live`, `orders`
and `changes`.
Begin with `status.py`. It holds `overview`, the state of the whole installation now; `status_at.py`
gives it for a past moment; `checks.py` decides what is wrong, since when, and what to do.
"""
