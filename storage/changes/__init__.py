"""Changes and spells: how they are recorded, corrected, chained by hash and rebuilt.

It may import every folder of `storage` except `purge`, `imports`, `replay`, `stories`, `live`, `orders`
and `health`.
Begin with `record.py`. It stores coverage, changes, spells and alerts in one transaction; `spells.py`
derives the spells, `hash_chain.py` checks the hash chain.
"""
