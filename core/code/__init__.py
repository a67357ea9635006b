"""The code behind a recipe: its training as plain PyTorch, without Glassbox."""
