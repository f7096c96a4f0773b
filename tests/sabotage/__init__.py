"""``./dev sabotage``: the product is broken on purpose, and a tool has to see it."""
