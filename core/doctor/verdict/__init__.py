"""From checks and experiments to one diagnosis."""
