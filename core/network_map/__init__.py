"""The map of a network: its blocks from input to output, with their shapes."""
