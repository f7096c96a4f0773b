"""Measurements of the product against a reference in the same run; printed, never asserted."""
