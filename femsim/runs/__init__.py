"""One way from a case to its results, for every command."""
