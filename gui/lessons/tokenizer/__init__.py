"""What the parts of lesson 5 share: one text, and how its tokens are shown."""
