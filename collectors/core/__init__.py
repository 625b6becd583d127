"""The collector interface, and the pure rules that all platforms share.

This folder holds the types of an answer, evidence excerpts, rate-limit headers, the search for rejected ids
in a batch, JSON parsing, the values of settings, and what `doctor` says. It is pure and may import
`storage.model` only. Begin with `collector.py`. `Collector` is the interface of a platform. `CollectorAnswer`
contains the readings and missed attempts of one request. `abilities.py` holds what only some platforms show.
"""
