"""METADATA port: what ran, when, with which tags."""
