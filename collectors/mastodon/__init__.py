"""The Mastodon collector: each account is read from its home server, without a key.

It may import `core`, `transport`, its own `wire` and `storage.model`, and no other platform.
Begin with `collector.py`. It holds `MastodonCollector`; `lookup.py` makes the requests of one read of
one server.
"""
