"""Lesson 5: what the lecture "Let's build the GPT Tokenizer" does, on a text of one's own.

A text becomes bytes (``characters``), a pattern cuts it into pieces (``patterns``), byte pairs are
merged within these (``merges``), special tokens are kept out of it (``special``), and what a text
costs depends on all of that (``costs``).
"""
