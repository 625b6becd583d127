"""Written stories: their text, the figures of a moment, and the lanes of accounts.

Pure: standard library only. It may import `causes`, `core` and `text`.
Begin with `stories.py`. It holds `WrittenStory` and its captions; `figures.py` counts the accounts at a
moment.
"""
