"""What the lessons need to know: their texts, and the numbers that their live parts show."""
