"""Parsers of X's answers: users, posts, timelines, follows, likes, handles and compliance files.

Every module is pure: bytes go in, and readings, missed attempts or engagements come out. It may import
`collectors.core`, the declaration of X and `storage.model`.
Begin with `users.py`. It classifies each account of a user lookup, as `posts.py` does each post of a lookup
of posts; `envelope.py` judges the HTTP status and `errors` around them.
"""
