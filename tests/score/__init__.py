"""The tests of score."""
