"""Parsers of Mastodon's answers: accounts, posts, actor documents, timelines and server blocks.

Every module is pure: bytes go in, and readings, missed attempts or engagements come out. It may import
`collectors.core` and `storage.model`.
Begin with `status.py`. It decides what the answers of the home server prove about an account, and
`posts.py` what they prove about a post; `answers.py` parses them.
"""
