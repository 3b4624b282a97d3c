"""DATASTORE: the storage port, and the content-addressed store on top of it."""
