"""Options of the data steps. Light: the entry points import this before they parse."""
