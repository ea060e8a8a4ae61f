"""The tests of score.tables."""
