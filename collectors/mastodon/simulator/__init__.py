"""The simulator of Mastodon servers: one port serves every host of a history.

It is pure except for `app.py`. It may import the simulator's `core`, `collectors.core`,
`collectors.mastodon.wire` and `storage.model`.
Begin with `answers.py`. It holds `MastodonAnswers`, which maps a request to an answer; `world.py` holds
all servers at a moment.
"""
