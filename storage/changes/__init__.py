"""Changes and spells: recording, correcting, hash chaining and rebuilding.

It may import every folder of `storage` except `purge`, `imports`, `replay`, `stories`, `live`, `orders` and
`health`. Begin with `record.py`. It stores coverage, changes, spells and alerts in one transaction;
`spells.py` derives the spells, `hash_chain.py` checks the hash chain.
"""
