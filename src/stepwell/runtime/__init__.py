"""RUNTIME: the live run. Threads, processes, clocks and disks are allowed here."""
