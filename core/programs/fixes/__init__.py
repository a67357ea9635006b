"""Changes to a program's source that may fix a cause: proposed, never made by themselves."""
