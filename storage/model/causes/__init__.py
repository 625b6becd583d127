"""Causes: what can be one, the files that hold some, and the orders that a change fits.

Pure: standard library only. It may import `core`, `platforms`, `tables` and `text`.
Begin with `causes.py`. It holds `StatedCause` and what makes one stand; `platform_notices.py` reads the
notice of a platform.
"""
