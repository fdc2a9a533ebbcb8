data "aws_iam_policy_document" "mlflow" {
  statement {
    sid       = "Bucket"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.this.arn]
  }

  statement {
    sid       = "Objects"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.this.arn}/${local.key}mlflow/*"]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == "" ? [] : [var.kms_key_arn]
    content {
      sid       = "Key" # of the bucket: without it the server can read and keep no artifact
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role" "mlflow" {
  count = var.enable_mlflow ? 1 : 0

  name               = "${var.project}-mlflow"
  description        = "Taken by Fieldmark's MLflow server."
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "mlflow" {
  count = var.enable_mlflow ? 1 : 0

  name   = "artifacts"
  role   = aws_iam_role.mlflow[0].id
  policy = data.aws_iam_policy_document.mlflow.json
}

resource "aws_sagemaker_mlflow_tracking_server" "this" {
  count = var.enable_mlflow ? 1 : 0

  tracking_server_name = var.project
  tracking_server_size = var.mlflow_size
  artifact_store_uri   = "s3://${aws_s3_bucket.this.bucket}/${local.key}mlflow"
  role_arn             = aws_iam_role.mlflow[0].arn

  depends_on = [aws_iam_role_policy.mlflow]
}
