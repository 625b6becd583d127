"""Alerts, rules, mutes, incidents and emails: from a recorded change to a sent email.

It may import `accounts`, `backup`, `countries`, `embedded`, `export`, `people`, `readings`, `postgres`
and `model`.
Begin with `outbox.py`. It stores what a rule decided and queues the emails; `creation.py` creates the
alerts and `rules.py` stores the rules.
"""
