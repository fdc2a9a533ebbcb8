# What is made, and who may do what, without an account: every answer of AWS is made up.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::camera-traps" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/made-up" }
  }

  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/made-up" }
  }

  mock_resource "aws_ecr_repository" {
    defaults = { arn = "arn:aws:ecr:us-west-2:123456789012:repository/fieldmark" }
  }

  mock_resource "aws_sagemaker_mlflow_tracking_server" {
    defaults = { arn = "arn:aws:sagemaker:us-west-2:123456789012:mlflow-tracking-server/fieldmark" }
  }
}

variables {
  bucket = "camera-traps"
}

run "the_bucket_is_private_encrypted_and_versioned" {
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "Something in the bucket could be made public."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "What is overwritten is lost."
  }

  assert {
    condition = one([
      for r in aws_s3_bucket_server_side_encryption_configuration.this.rule :
      one(r.apply_server_side_encryption_by_default).sse_algorithm
    ]) == "AES256"
    error_message = "Objects are not encrypted."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "terraform destroy would delete models."
  }

  assert {
    condition = one([
      for r in aws_s3_bucket_lifecycle_configuration.this[0].rule :
      r.filter[0].prefix if r.id == "checkpoints"
    ]) == "fieldmark/checkpoints/"
    error_message = "The rule would miss the checkpoints, or delete something else."
  }
}

run "a_job_reaches_its_part_of_the_bucket_and_no_more" {
  assert {
    condition = alltrue([
      for s in data.aws_iam_policy_document.training.statement :
      s.sid == "Objects" ? tolist(s.resources) == tolist(["arn:aws:s3:::camera-traps/fieldmark/*"]) : true
    ])
    error_message = "The role reaches other objects."
  }

  assert {
    condition = length([
      for s in data.aws_iam_policy_document.training.statement : s
      if anytrue([for a in s.actions : startswith(a, "sagemaker:") || startswith(a, "iam:") || endswith(a, "*")])
    ]) == 0
    error_message = "A job could submit jobs or pass roles."
  }

  assert {
    condition = [
      for s in data.aws_iam_policy_document.training.statement : s.sid
      if contains(s.resources, "*") && length(s.condition) == 0
    ] == ["ContainerLogin"]
    error_message = "Only the login to ECR, which knows no resources, is without a limit."
  }

  assert {
    condition     = one(one(data.aws_iam_policy_document.trust.statement).condition).values == tolist(["123456789012"])
    error_message = "SageMaker could take the role for another account."
  }
}

run "a_launcher_submits_tagged_jobs_with_one_role" {
  variables {
    max_hours      = 2
    instance_types = ["ml.g5.xlarge"]
  }

  assert {
    condition = {
      for c in one([for s in data.aws_iam_policy_document.launcher.statement : s if s.sid == "Submit"]).condition :
      c.variable => join(",", c.values)
      } == {
      "aws:RequestTag/project"        = "fieldmark"
      "sagemaker:InstanceTypes"       = "ml.g5.xlarge"
      "sagemaker:MaxRuntimeInSeconds" = "7200"
    }
    error_message = "A job could be submitted without the tag, on any machine, or without end."
  }

  assert {
    condition = alltrue([
      for s in data.aws_iam_policy_document.launcher.statement :
      tolist(s.resources) == tolist([aws_iam_role.training.arn]) &&
      one(s.condition).variable == "iam:PassedToService"
      if contains(s.actions, "iam:PassRole")
    ])
    error_message = "Other roles could be passed, or to other services."
  }

  assert {
    condition = one([
      for s in data.aws_iam_policy_document.launcher.statement : one(s.condition).variable
      if contains(s.actions, "sagemaker:StopTrainingJob")
    ]) == "aws:ResourceTag/project"
    error_message = "Jobs of others could be stopped."
  }

  assert {
    condition = !anytrue(flatten([
      for s in data.aws_iam_policy_document.launcher.statement : [for a in s.actions : a == "s3:DeleteObject"]
    ]))
    error_message = "A launcher could delete what others keep."
  }
}

run "what_costs_by_itself_is_off" {
  assert {
    condition = alltrue([
      length(aws_ecr_repository.this) == 0,
      length(aws_sagemaker_mlflow_tracking_server.this) == 0,
      length(aws_budgets_budget.this) == 0,
      length(aws_iam_user_policy_attachment.launcher) == 0,
      output.container_registry == null,
      output.mlflow_tracking_uri == null,
    ])
    error_message = "Something is made that nobody asked for."
  }
}

run "everything_at_once" {
  variables {
    bucket         = "camera-traps-2"
    prefix         = ""
    kms_key_arn    = "arn:aws:kms:us-west-2:123456789012:key/1234"
    enable_ecr     = true
    enable_mlflow  = true
    allow_vpc      = true
    budget_emails  = ["ann@example.org"]
    budget_usd     = 50
    launcher_users = ["ann", "bob"]
  }

  assert {
    condition = one([
      for r in aws_s3_bucket_server_side_encryption_configuration.this.rule :
      one(r.apply_server_side_encryption_by_default).kms_master_key_id
    ]) == var.kms_key_arn
    error_message = "The bucket does not use the key."
  }

  assert {
    condition = alltrue([
      for d in [
        data.aws_iam_policy_document.launcher, data.aws_iam_policy_document.training,
        data.aws_iam_policy_document.mlflow,
      ] :
      one([for s in d.statement : s if s.sid == "Key"]).resources == toset([var.kms_key_arn])
    ])
    error_message = "Launcher, job or MLflow server could not use what the key encrypts."
  }

  assert {
    condition     = contains(aws_budgets_budget.this[0].cost_filter[*].values[0], "user:project$fieldmark")
    error_message = "The budget counts something else."
  }

  assert {
    condition     = keys(aws_iam_user_policy_attachment.launcher) == ["ann", "bob"]
    error_message = "Somebody cannot submit."
  }

  assert {
    condition     = startswith(output.mlflow_tracking_uri, "arn:aws:sagemaker:")
    error_message = "No address for MLFLOW_TRACKING_URI."
  }

  assert {
    condition     = strcontains(output.config, "s3: s3://camera-traps-2\n")
    error_message = "The lines for config.yml are not those of an empty prefix."
  }

  assert {
    condition = one([
      for r in aws_s3_bucket_lifecycle_configuration.this[0].rule :
      r.filter[0].prefix if r.id == "checkpoints"
    ]) == "checkpoints/"
    error_message = "The rule misses the checkpoints of an empty prefix."
  }
}

run "a_name_that_aws_would_refuse_is_refused_here" {
  command = plan

  variables {
    bucket          = "Camera_Traps"
    checkpoint_days = 1
    endpoint_url    = "https://example.org"
  }

  expect_failures = [var.bucket, var.checkpoint_days, var.endpoint_url]
}
