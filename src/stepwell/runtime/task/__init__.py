"""The task side of a run: what executes inside a task process."""
