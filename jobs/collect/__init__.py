"""The reading of accounts: a monitor plans, requests, judges and records.

Of `jobs` it may import `alerting`, `base`, `config`, `delivery`, `detect`, `dispatch`, `export`,
`messages`, `notify`, `planning`, `replay` and `selfmonitoring`. It may also import the other packages.
Begin with `pipeline.py`. It puts the stages together in order; `monitor.py` runs them, and `recorder.py`
commits what the requests brought.
"""
