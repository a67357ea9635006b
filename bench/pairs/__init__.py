"""Pairs of a faulty program and its fixed one: a benchmark of tools that judge a training."""
