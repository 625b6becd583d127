"""The HTTP API for programs under /api/v1.

It may import every folder of `dashboard` except `server` and `replay`; and `storage`. Names of models
and fields are a published contract.
Begin with `app.py`. It assembles the API from its routes; `account_models.py` holds the models of an account
and its state.
"""
