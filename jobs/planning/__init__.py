"""The planner: which roster is read next, and what the daily cost limit allows.

Of `jobs` it may import `alerting`, `base` and `detect`. It may also import the other packages. Begin with
`sweep_planner.py`. It holds `SweepPlanner`, which says who is due; `adaptive_planner.py` reads some
accounts more often, `roster_priority.py` chooses the next roster, and `daily_bill.py` keeps to the daily
cost limit.
"""
