"""Names, a letter at a time: the models of makemore."""
