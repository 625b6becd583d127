"""What the simulators of all platforms share: the history, the fault plan, control accounts, the HTTP server.

Rehearsals, the demonstration and tests use simulators in place of the platforms. Everything here is pure
except `server.py`, which listens on a port, and `history_files.py`, which opens files. It may import
`collectors.core` and `storage.model`, and no platform. A simulator itself is in the folder of its platform.
Begin with `history.py`. It holds `History`, the true states of every account; `faults.py` says which
request fails, and when; `platform_simulator.py` says what a simulator has to offer.
"""
