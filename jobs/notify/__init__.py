"""The notifier: it decides due alerts, queues emails and hands them to a sender.

Of `jobs` it may import `alerting`, `base`, `delivery`, `detect`, `dispatch`, `export`, `messages`,
`planning`, `replay` and `selfmonitoring`. It may also import the other packages. Begin with `pipeline.py`. It
puts the loops together in order; `notifier.py` decides and sends, `digests.py` and `reminders.py` queue the
other emails, and `merging.py` merges queued emails.
"""
