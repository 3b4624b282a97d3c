"""SERVER: the metadata of a datastore over HTTP, for a team."""
