"""Read models of the Live page, of the accounts pages and of the feeds.

It may import every folder of `storage` except `purge`, `imports`, `replay` and `stories`.
Begin with `snapshot.py`. It reads everything that the Live page shows at first; `updates.py` reads what is
new since an event.
"""
