"""The recipe, the device, the trainer, its control, and checkpoints."""
