"""What a case file may say, and how it is read: keys, limits, defaults, wording of faults, the material library."""
