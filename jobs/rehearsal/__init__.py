"""Rehearsals and the demonstration: the real pipeline against simulators, in simulated time.

It may import every folder of `jobs` except `cli` and `doctor`, and the other packages.
Begin with `rehearse.py`. It plays a history and reports the result; `scoring.py` compares what was
detected with the truth.
"""
