"""Programs with faults to plant, read by :mod:`bench.programs.own`, never imported."""
