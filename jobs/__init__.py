"""Jobs: scheduling, detection, alerting, email, rehearsal and the command line.

It may import `collectors`, `dashboard` and `storage`; no other package imports it. Its folders import
one way: from `cli` at the top down to `base`, `detect` and `alerting`. The pure folders are `detect`,
`alerting` and `messages`.
Begin with `runtime/app.py`, which assembles a running installation. `start.py` is the console script
`blockline`.
"""
