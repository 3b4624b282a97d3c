"""Traces of runs. Nothing outside imports this unless a run is traced."""
