"""Promises, each with the test that holds it; ``python -m tests`` runs the whole test command."""
