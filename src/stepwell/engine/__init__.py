"""ENGINE port: where tasks execute."""
