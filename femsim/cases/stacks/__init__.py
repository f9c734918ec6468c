"""The keys of each stack: its geometry and its case."""
