"""What `classification.evaluate` is made of."""
