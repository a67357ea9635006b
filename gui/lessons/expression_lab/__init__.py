"""The expression lab: an expression, its graph and its gradients."""
