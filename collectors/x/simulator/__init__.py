"""The simulator of X's API v2: lookups, timelines, follows, likes and compliance jobs.

It is pure except for `app.py`. It may import the simulator's `core`, `collectors.core`,
`collectors.x.wire` and `storage.model`.
Begin with `answers.py`. It holds `XAnswers`, which maps a request to an answer; `world.py` holds the
state of X at a moment.
"""
