"""What ragqa is measured by. A package, as some library brings one of this name."""
