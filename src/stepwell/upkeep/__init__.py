"""What keeps a datastore in order: the index made anew, and bytes checked against their hashes."""
