"""What was so, and when it was known: folds over changes, and inputs of a replay.

Pure: standard library only. It may import `core` and `alerts`.
Begin with `spell_fold.py`. It folds confirmed changes into spells; `corrections.py` describes what a late
reading changes.
"""
