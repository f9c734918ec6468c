"""Corners of a solved mesh and the intensity of their singular fields."""
