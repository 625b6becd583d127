"""Exports: every kind of row that can be taken out, as a stream of one moment.

The kinds and the texts of cells are in `model.evidence`. It may import `postgres` and `model`, and no
other folder of `storage`.
Begin with `exports.py`. It lists each kind with the function that reads it and the filters that it
takes.
"""
