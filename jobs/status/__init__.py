"""The output of `blockline status`, and the listings of stored accounts, lists and orders.

Of `jobs` it may import `alerting`, `base`, `config`, `delivery`, `detect`, `dispatch`, `export`,
`messages`, `notify`, `planning`, `replay` and `selfmonitoring`. It may also import the other packages.
Begin with `report.py`. It writes the state of the installation as text and as JSON.
"""
