"""The checks of `blockline doctor`. Each part is tried, and each fault is shown with its fix.

It may import every folder of `jobs` except `cli` and `rehearsal`, and the other packages.
Begin with `doctor.py`. It checks database, mail server and dashboard; the other modules check
platforms, rules, templates and the hash chain.
"""
