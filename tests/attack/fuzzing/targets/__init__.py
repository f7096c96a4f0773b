"""The targets, by who writes what is read there."""
