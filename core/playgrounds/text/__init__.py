"""Text: tokens in, the next token out, from counting pairs to a GPT."""
