"""Charts, used by every page: axes, curves, bars, heat maps, histograms."""
