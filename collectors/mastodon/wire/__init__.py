"""Parsers of Mastodon's answers: accounts, actor documents, timelines and server blocks.

Every module is pure: bytes go in, and readings, missed attempts or engagements come out. It may import
`collectors.core` and `storage.model`.
Begin with `status.py`. It decides what the answers of the home server prove about an account;
`answers.py` parses them.
"""
