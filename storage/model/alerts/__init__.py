"""The nouns of alerting: alerts, emails, rules, decisions and the monitor's own issues.

Pure: standard library only. It may import `core` and `text`.
Begin with `rules.py`. It holds `AlertRule`, quiet hours and mutes; `alerts.py` holds the way from a
change to an email.
"""
