"""The switches of a recipe, and what each of them brings."""
