"""TESTING, shipped: contracts that adapters are held to, and twins without the outside world."""
