"""Thermo-mechanical stress at the roots of bumps in semiconductor packages."""

__version__ = "0.1.0"
