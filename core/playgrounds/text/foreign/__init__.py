"""Networks of other programs: GPT-2 as Hugging Face has it, and nanoGPT's checkpoints."""
