"""Setup files: lists, accounts, executives, alert rules and orders declared in one TOML file.

It may import `alerting` and `base` of `jobs`, and `storage`.
Begin with `difference.py`. It compares what a file declares (`setup_file.py`) with what is stored
(`stored_setup.py`); `apply.py` writes the difference, and `setup_text.py` writes a file from what is stored.
"""
