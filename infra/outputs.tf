output "config" {
  description = "For config.yml: terraform output -raw config"
  value       = <<-YAML
    launch:
      sagemaker:
        s3: ${trimsuffix("s3://${aws_s3_bucket.this.bucket}/${local.key}", "/")}
        role: ${aws_iam_role.training.arn}
        region: ${var.region}
  YAML
}

output "bucket" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.this.bucket
}

output "training_role_arn" {
  description = "For launch.sagemaker.role."
  value       = aws_iam_role.training.arn
}

output "launcher_policy_arn" {
  description = "To attach to whoever submits jobs."
  value       = aws_iam_policy.launcher.arn
}

output "container_registry" {
  description = "Where `docker push` sends a container of your own; null without var.enable_ecr."
  value       = one(aws_ecr_repository.this[*].repository_url)
}

output "mlflow_tracking_uri" {
  description = "For MLFLOW_TRACKING_URI; null without var.enable_mlflow."
  value       = one(aws_sagemaker_mlflow_tracking_server.this[*].arn)
}
