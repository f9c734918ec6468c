"""What is read off a solution: averages, probes, errors, tractions, cracks, singular fields."""
