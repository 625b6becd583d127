"""The reading of accounts: a monitor plans, requests, judges and records.

Of `jobs` it may import `alerting`, `base`, `config`, `delivery`, `detect`, `dispatch`, `export`,
`messages`, `notify`, `planning`, `replay` and `selfmonitoring`. It may also import the other packages.
Begin with `monitor.py`. It holds `Monitor`, which reads the accounts of one platform; `recorder.py`
commits what the requests brought.
"""
