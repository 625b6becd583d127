"""Detection: what a reading means for an account, and when a change is confirmed.

It is pure: no database, network or clock. It may import `collectors.core` and `storage.model`, and no other
folder of `jobs`. Begin with `transitions.py`. It holds every status transition. `judge.py` decides whether an
answer is believed, and `confirmation.py` whether a change is confirmed.
"""
