"""``./dev mutation``: the core is changed a little, thousands of times, and its tests have to see it."""
