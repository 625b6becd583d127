"""The live dashboard: Dash on FastAPI, pure figures, and canvas scripts under `assets/`."""
