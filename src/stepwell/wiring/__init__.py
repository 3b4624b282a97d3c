"""The composition root: settings in, ready-made parts out. The only package that names concrete adapters."""
