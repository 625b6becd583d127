"""Fuzzing of every parser of foreign bytes: what strangers, platforms and servers send, and files of users.

Begin with `targets.py`, which lists the parsers. `mutation.py` makes inputs from samples, `runner.py` calls a
parser with them and judges it. `python -m tests.fuzz --help` shows how to run it.
"""
