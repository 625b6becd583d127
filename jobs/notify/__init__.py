"""The notifier: it decides due alerts, queues emails and hands them to a sender.

Of `jobs` it may import `alerting`, `base`, `delivery`, `detect`, `dispatch`, `export`, `messages`,
`planning`, `replay` and `selfmonitoring`. It may also import the other packages. Begin with `pipeline.py`. It
assembles the loops. `notifier.py` decides and sends. `digests.py` and `reminders.py` queue further emails.
`merging.py` merges queued emails.
"""
