"""Parsers of Bluesky's answers: profiles, labels, identities, records and Jetstream events.

Every module is pure: bytes go in, and readings, missed attempts or engagements come out. It may import
`collectors.core` and `storage.model`.
Begin with `profiles.py`. It decides the status of each account; `labels.py` says which labels mean that
a region withholds it.
"""
