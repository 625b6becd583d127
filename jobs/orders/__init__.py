"""Orders from outside: Lumen notices, tables of legal demands, and the names in an order.

It may import every folder of `jobs` except `cli`, `doctor`, `rehearsal` and `runtime`, and the other
packages.
Begin with `import_orders.py`. It recognises the form of a file and stores its orders; `formats.py` holds
what every form is turned into.
"""
