"""Changes and spells: recording, correcting, hash chaining and rebuilding.

A spell is a period in which an account kept one state.

It may import every folder of `storage` except `purge`, `imports`, `replay`, `stories`, `live`, `orders` and
`health`. Begin with `record.py`, which stores coverage, changes, spells and alerts in one transaction.
`spells.py` derives the spells. `hash_chain.py` checks the hash chain.
"""
