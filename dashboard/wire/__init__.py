"""The compact encoding of large answers, and the cache that serves them.

It may import `asgi`, `ui` and `storage`.
Begin with `compact_json.py`. It writes typed rows as small JSON; `columnar.py` packs tables as binary
columns, `response_cache.py` keeps answers current.
"""
