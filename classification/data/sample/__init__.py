"""A generated camera-trap dataset, drawn in code, for demos and tests."""
