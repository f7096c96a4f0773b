"""Faults under load: what becomes of every message while something is broken, and once it is whole again."""
