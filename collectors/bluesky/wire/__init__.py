"""Parsers of Bluesky's answers: profiles, posts, labels, identities, records and Jetstream events.

Every module is pure: bytes go in, and readings, missed attempts or engagements come out. It may import
`collectors.core`, the declaration of Bluesky and `storage.model`.
Begin with `profiles.py`. It decides the status of each account, and `posts.py` that of each post. `labels.py`
says which labels mean that a region withholds one.
"""
