"""The collector interface, and the pure rules that all platforms share.

This folder holds the types of an answer, evidence excerpts, rate-limit headers, the search for rejected ids
in a batch, and JSON parsing. It is pure and may import `storage.model` only. Begin with `collector.py`. It
holds `Collector`, the interface of a platform, and `CollectorAnswer`, the readings and missed attempts of one
request.
"""
