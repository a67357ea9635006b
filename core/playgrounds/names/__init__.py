"""Names, a letter at a time: the ladder of makemore."""
