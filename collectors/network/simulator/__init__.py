"""The simulator of OONI's API, pure except for `app.py`.

It may import the simulator's `core`, `collectors.core`, `collectors.network.wire` and `storage.model`.
Begin with `answers.py`.
"""
