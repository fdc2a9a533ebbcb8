"""An MLflow server of one's own, on this machine, with names and passwords."""
