"""The YouTube collector: channels and videos, read through the YouTube Data API with a key.

It may import `core`, `transport` and `storage.model`, and no other platform.
Begin with `wire.py`: it says what an answer means, and what of that is documented. `collector.py` asks.
"""
