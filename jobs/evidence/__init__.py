"""Evidence packs, heads of the hash chain, and time stamps from outside (RFC 3161).

Of `jobs` it may import `alerting`, `base`, `config`, `delivery`, `detect`, `dispatch`, `export`,
`messages`, `notify`, `planning`, `replay` and `selfmonitoring`. It may also import the other packages.
Begin with `pack.py`. It defines the files of a pack; `pack_verification.py` checks a pack without a database.
"""
