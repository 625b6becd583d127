"""The settings: `blockline.toml`, the environment, and the checks of each value.

Of `jobs` it may import `alerting`, `base`, `delivery`, `detect`, `dispatch`, `export`, `messages`,
`planning`, `replay` and `selfmonitoring`. It may also import the other packages.
Begin with `settings.py`. It holds `Settings`, every setting with its default; `values.py` says what one
setting may hold.
"""
