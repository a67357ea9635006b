"""A model comparison: the models of a playground are trained in turn, and shown side by side."""
