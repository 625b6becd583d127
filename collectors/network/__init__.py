"""Whether the networks of a country reach the platforms: OONI's public measurements, without a key.

It may import `collectors.transport`, `collectors.core` and `storage.model`. Begin with `measurements.py`.
"""
