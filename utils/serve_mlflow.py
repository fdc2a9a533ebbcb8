"""Run an MLflow server on this machine over the runs and models of runs/, with a password."""

from classification.cli import run_step
from classification.mlflow_server.options import ServerOptions

if __name__ == "__main__":
    run_step(ServerOptions, "classification.mlflow_server.serve:serve")
