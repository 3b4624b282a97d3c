"""Which artifacts each step sets and reads, followed along the graph without running anything."""
