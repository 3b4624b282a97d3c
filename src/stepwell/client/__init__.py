"""CLIENT: read what happened."""
