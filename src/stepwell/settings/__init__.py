"""SETTINGS: one frozen object, built once, handed down."""
