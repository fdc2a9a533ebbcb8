"""Where labels come from: the store, the oracle, Timelapse and the browser app."""
