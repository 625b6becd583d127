"""The Bluesky collector: profiles, repositories, DIDs, handles and the event stream Jetstream.

It reads without a login. It may import `core`, `transport`, its own `wire` and `storage.model`, and no
other platform.
Begin with `collector.py`. It holds `BlueskyCollector`, which asks for a batch and then for each account
that the batch left out.
"""
