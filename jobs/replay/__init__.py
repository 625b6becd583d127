"""Stored readings evaluated again with other rules: changed detection, changed emails.

Nothing is written. Of `jobs` it may import `alerting`, `base`, `detect`, `dispatch`, `export`,
`messages` and `planning`. It may also import the other packages.
Begin with `replay.py`. It holds `redecide`; `compare_changes.py` and `compare_mails.py` find what
differs.
"""
