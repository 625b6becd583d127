"""The command line `blockline`: one module per group of commands.

It is the top of `jobs`: it may import every other folder of it, and the other packages. Only
`jobs/start.py` imports it.
Begin with `main.py`. It registers every command; `command.py` turns errors into one sentence,
opens the database and holds the options that commands share.
"""
