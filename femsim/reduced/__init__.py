"""Reduced bases: what thousands of designs of one study have in common, solved once, and each design then at the cost
of a small dense system. Above runs, below studies.
"""
