"""The local engine: a launcher process that starts one process per task."""
