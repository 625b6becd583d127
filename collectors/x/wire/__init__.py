"""Parsers of X's answers: users, timelines, follows, likes, handles and compliance files.

Every module is pure: bytes go in, and readings, missed attempts or engagements come out. It may import
`collectors.core` and `storage.model`.
Begin with `users.py`. It classifies each account of a user lookup; `envelope.py` judges the HTTP status
and `errors` around it.
"""
