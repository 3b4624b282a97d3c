"""SCHEDULING TIME: pure decisions. Facts in, orders out."""
