"""CSV and TSV files: told apart by reading them, written as a copy of their own bytes."""
