"""Stacks: small pure functions from a case to a layout."""
