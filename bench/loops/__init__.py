"""Training loops of strangers: each as it should be, and with what people do wrong."""
