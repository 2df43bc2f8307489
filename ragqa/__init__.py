"""ragqa."""
