"""The notifier: it decides due alerts, queues emails and hands them to a sender.

Of `jobs` it may import `alerting`, `base`, `delivery`, `detect`, `dispatch`, `export`, `messages`,
`planning`, `replay` and `selfmonitoring`. It may also import the other packages.
Begin with `notifier.py`. It holds one tick of the notifier; `loops.py` runs the ticks, `digests.py` and
`reminders.py` queue the other emails.
"""
