"""Answers of OONI's API become counts of measurements.

Pure. It may import `collectors.core` and `storage.model`. Begin with `aggregation.py`.
"""
