"""Local servers that speak the platforms' protocols and play back a status history.

Rehearsals, the demonstration and tests use them in place of the platforms. Everything here is pure
except the `app` of each platform, `core/server.py` and `core/history_files.py`.
A platform's folder may import the simulator's `core`, `collectors.core`, the `wire` of the same
platform and `storage.model`. No collector imports this folder.
Begin with `core/history.py`. It holds the true states that the servers answer from.
"""
