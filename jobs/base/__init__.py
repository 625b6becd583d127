"""Tools that several folders share: clock, files, errors, output, wording and background tasks.

It imports no other folder of `jobs`. It may import the other packages.
Begin with `clock.py`, the only module that reads the machine's date and time. `wording.py` writes
names, numbers and intervals.
"""
