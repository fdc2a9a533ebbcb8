"""The labelling app in the browser, and in a notebook: `classification.app.gui.GUI`."""
