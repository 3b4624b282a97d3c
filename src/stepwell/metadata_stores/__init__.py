"""METADATA STORES: adapters of the metadata port."""
