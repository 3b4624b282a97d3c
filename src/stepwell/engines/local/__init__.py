"""The local engine: tasks as processes of this machine."""
