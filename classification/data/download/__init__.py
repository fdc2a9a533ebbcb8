"""Images of a dataset from S3 or the web, verified, with a ledger, resumable."""
