"""The planner: which roster is read next, and what the daily cost limit allows.

Of `jobs` it may import `alerting`, `base` and `detect`. It may also import the other packages.
Begin with `sweep_schedule.py`. It holds the regular sweep over all rosters; `adaptive_planner.py` reads some
accounts more often, `roster_priority.py` chooses the next roster.
"""
