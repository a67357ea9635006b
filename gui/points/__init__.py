"""The points page: a plane, its points, and the decision boundary as it is learned."""
