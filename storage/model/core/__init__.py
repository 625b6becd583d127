"""The core nouns: account, status, reading, coverage, order, engagement and person.

Pure: standard library only. It imports no other folder of `storage.model`; all of them may import it.
Begin with `availability.py`. It holds `Status`, `State`, `Reading`, `Missed` and `Spell`; `known_state.py`
holds what is known between two readings.
"""
