"""The index: one folder of generations."""
