"""The HTTP client of the collectors, its protection against private addresses, and its pacing.

It limits time and size, retries rarely and never follows a redirect. It may import `collectors.core`
and `storage.model`, and no platform.
Begin with `client.py`. It holds `Http`, which sends every request except those to the event stream;
`ssrf_guard.py` decides which hosts it may contact, and `batch_collector.py` holds a collector for platforms
that answer about many accounts in one request.
"""
