"""The alerting policy: what each rule does with each alert, and why.

It is pure: no database, network or clock. It may import `storage.model`, and no other folder of `jobs`.
Begin with `policy.py`. It holds `decide`. `matching.py` finds the rules that match an alert. `waves.py`
decides when a group of changes is complete.
"""
