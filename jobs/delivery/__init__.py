"""The senders: SMTP, webhooks and Apprise, and when a failed email is sent again.

Of `jobs` it may import `alerting`, `base`, `detect`, `dispatch`, `export`, `messages` and `planning`.
It may also import the other packages.
Begin with `channel_router.py`. It chooses the sender of an email; `sender.py` holds `Undeliverable`, the one
error that every sender raises.
"""
