"""Collectors: they read accounts on the platforms and turn raw answers into readings.

One folder per platform holds what it declares and the requests; its `wire` folder is pure and parses the
answers, and its `simulator` plays the platform. A platform imports `core`, `transport` and its own folders,
and only its simulator imports `simulator`; none imports another platform.
The package may import `storage.model`. It never imports the database, `dashboard` or `jobs`. Begin with
`core/collector.py`, the interface that every platform implements.
"""
