"""What the program does with itself on each page, found by being here: ``play(guide)``."""
