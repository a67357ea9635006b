"""Three-class spirals: a fourth playground, made for the tests."""
