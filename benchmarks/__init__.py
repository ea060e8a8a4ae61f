"""Measurements, each a module that prints a table: ``python -m benchmarks.speed`` and so on."""
