"""The user's code as one archive, and the version it has."""
