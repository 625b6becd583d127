"""The Glossary page: every term of the interface in one sentence.

It may import `ui`, `asgi` and `storage`.
Begin with `feature.py`, which is the whole of it; the words are in `storage/model/text/glossary.py`.
"""
