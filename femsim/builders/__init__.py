"""The only room that turns a case into core nouns: stacks to layouts, roles to materials, boundaries to constraints."""
