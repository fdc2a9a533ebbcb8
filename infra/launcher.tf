# What train.py --backend sagemaker and jobs.py need: to submit jobs that carry the project's tag,
# on machines and for hours that are allowed, with the one role; to look at them and stop them.

data "aws_iam_policy_document" "launcher" {
  statement {
    sid       = "Submit"
    actions   = ["sagemaker:CreateTrainingJob"]
    resources = [local.jobs_arn]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/project"
      values   = [var.project]
    }

    condition {
      test     = "ForAllValues:StringLike"
      variable = "sagemaker:InstanceTypes"
      values   = var.instance_types
    }

    condition {
      test     = "NumericLessThanEquals"
      variable = "sagemaker:MaxRuntimeInSeconds"
      values   = [tostring(var.max_hours * 3600)]
    }
  }

  statement {
    sid       = "Tag" # as part of submitting only: no tag of a job can be changed
    actions   = ["sagemaker:AddTags"]
    resources = [local.jobs_arn]

    condition {
      test     = "StringEquals"
      variable = "sagemaker:TaggingAction"
      values   = ["CreateTrainingJob"]
    }
  }

  statement {
    sid       = "LookAndStop"
    actions   = ["sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"]
    resources = [local.jobs_arn]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/project"
      values   = [var.project]
    }
  }

  statement {
    sid       = "List"
    actions   = ["sagemaker:ListTrainingJobs"]
    resources = ["*"] # the action knows no resources
  }

  statement {
    sid       = "Role"
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.training.arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["sagemaker.amazonaws.com"]
    }
  }

  statement {
    sid       = "Logs"
    actions   = ["logs:DescribeLogStreams", "logs:GetLogEvents"]
    resources = [local.logs_arn, "${local.logs_arn}:*"]
  }

  statement {
    sid       = "Bucket"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]
    resources = [aws_s3_bucket.this.arn]
  }

  statement {
    sid = "Objects" # no s3:DeleteObject: the lifecycle rules tidy up
    actions = [
      "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
    ]
    resources = [local.objects]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == "" ? [] : [var.kms_key_arn]
    content {
      sid       = "Key"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant", "kms:DescribeKey"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = aws_sagemaker_mlflow_tracking_server.this[*].arn
    content {
      sid       = "Mlflow"
      actions   = ["sagemaker-mlflow:*", "sagemaker:CreatePresignedMlflowTrackingServerUrl"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_policy" "launcher" {
  name        = "${var.project}-launcher"
  description = "Submit Fieldmark's training jobs, look at them, stop them."
  policy      = data.aws_iam_policy_document.launcher.json
}

resource "aws_iam_user_policy_attachment" "launcher" {
  for_each = toset(var.launcher_users)

  user       = each.value
  policy_arn = aws_iam_policy.launcher.arn
}
