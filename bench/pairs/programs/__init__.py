"""The programs, a module for each style in which strangers write."""
