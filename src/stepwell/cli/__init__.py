"""CLI: parse, call, print."""
