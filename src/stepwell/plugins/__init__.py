"""PLUGINS: what installed distributions add to Stepwell, found by entry point and imported on use."""
