"""The Python face: what ``import femsim as fs`` offers, short nouns around the rooms below it."""
