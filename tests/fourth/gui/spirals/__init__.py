"""The page of the spirals playground, made for the tests."""
