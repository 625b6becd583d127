"""The nouns of Blockline, and pure folds over stored facts.

Every other package and folder may import it; it imports the standard library only. Its folders import
one way, and all of them may import `core`.
Begin with `core/availability.py`. It holds `Status`, `State`, `Reading`, `Missed` and the kinds of a
change.
"""
