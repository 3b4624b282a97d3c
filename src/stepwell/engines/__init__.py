"""ENGINES: one module or folder per back end."""
