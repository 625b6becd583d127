"""Collectors talk to the platforms: a thin shell each, and a pure `*_wire` module that reads its answers.

They know nothing of the database. `collectors.simulator` holds local servers that speak the
platforms' own protocols and play back a status history.
"""
