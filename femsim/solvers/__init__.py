"""From a model to its solution: orders, patterns, factors and checks. They know no case and no measure."""
