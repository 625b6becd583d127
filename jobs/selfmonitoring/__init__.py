"""The monitor's own issues: noticed, stored, and reported to operators.

Of `jobs` it may import `alerting`, `base`, `detect`, `dispatch`, `export`, `messages` and `planning`.
It may also import the other packages.
Begin with `watchdog.py`. It holds one tick; `storage/health/checks.py` decides which issues there are,
`operator_mail.py` writes the email.
"""
