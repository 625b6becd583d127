"""The simulator of YouTube: its Data API about the channels and videos of a history.

It may import `collectors.simulator`, the declaration beside it and `storage.model`, and no other platform.
Begin with `answers.py`: it builds the JSON that the reference documents, and the faults.
"""
