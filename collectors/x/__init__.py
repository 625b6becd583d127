"""The X collector: lookups of accounts and posts, timelines, follows, likes and compliance jobs.

This is the only folder that may import tweepy. It may also import `core`, `transport`, its own `wire`
and `storage.model`, and no other platform.
Begin with `collector.py`. It holds `XCollector`; `client.py` below it makes the calls and keeps the
pauses that X asks for.
"""
