"""Collectors: they read accounts on the platforms and turn raw answers into readings.

One folder per platform holds the requests; its `wire` folder is pure and parses the answers. A platform
imports `core`, `transport` and its own `wire`, never another platform and never `simulator`.
The package may import `storage.model`. It never imports the database, `dashboard` or `jobs`. Begin with
`core/collector.py`, the interface that every platform implements.
"""
