"""MODEL: frozen values that cross process borders. msgspec and the standard library only."""
