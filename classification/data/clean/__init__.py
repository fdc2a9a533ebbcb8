"""Step 3: any number of datasets become one clean one, and nothing vanishes without a row."""
