"""What all simulators share: the history, the fault plan, control accounts and the HTTP server.

It is pure except for `server.py`, which listens on a port, and `history_files.py`, which opens files. It may
import `collectors.core` and `storage.model`, and no simulated platform.
Begin with `history.py`. It holds `History`, the true states of every account; `faults.py` says which
request fails, and when.
"""
