"""Programs of a person's own, run unedited and watched: scripts and notebooks."""
