"""STORAGES: adapters of the storage port."""
