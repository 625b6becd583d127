"""Stories that people write: a range of time, captions, and the facts behind the figures.

It may import every folder of `storage` except `purge`, `imports` and `replay`.
Begin with `stories.py`. It stores and edits a story and its captions; `story_facts.py` reads what its
figures rest on.
"""
