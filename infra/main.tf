# What Fieldmark needs of an AWS account. One topic a file:
#   storage.tf   the bucket for code, data, checkpoints and models
#   training.tf  the role that a training job takes
#   launcher.tf  the policy for people and machines that submit jobs
#   budget.tf    a mail before the money is spent
#   ecr.tf       optional: a registry for a container of one's own
#   mlflow.tf    optional: a managed MLflow server

provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }

  # Another endpoint is a stand-in on this machine, which knows no account.
  access_key                  = local.stand_in ? "stand-in" : null
  secret_key                  = local.stand_in ? "stand-in" : null
  skip_credentials_validation = local.stand_in
  skip_metadata_api_check     = local.stand_in
  s3_use_path_style           = local.stand_in

  dynamic "endpoints" {
    for_each = local.stand_in ? [var.endpoint_url] : []
    content {
      budgets   = endpoints.value
      ecr       = endpoints.value
      iam       = endpoints.value
      s3        = endpoints.value
      sagemaker = endpoints.value
      sts       = endpoints.value
    }
  }
}

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}

locals {
  stand_in = var.endpoint_url != ""
  tags     = merge({ project = var.project }, var.tags)

  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  jobs_arn  = "arn:${local.partition}:sagemaker:${var.region}:${local.account}:training-job/*"
  logs_arn  = "arn:${local.partition}:logs:${var.region}:${local.account}:log-group:/aws/sagemaker/TrainingJobs"
}
