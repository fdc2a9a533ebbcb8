variable "region" {
  description = "AWS region of everything here; the images should be there, too."
  type        = string
  default     = "us-west-2"
}

variable "bucket" {
  description = "Name of the bucket to make; unique among all of AWS."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "A bucket's name has 3 to 63 small letters, digits, dots and hyphens."
  }
}

variable "project" {
  description = "Value of the tag `project` without which no job can be submitted; the launcher sets fieldmark."
  type        = string
  default     = "fieldmark"
}

variable "tags" {
  description = "Further tags of everything here."
  type        = map(string)
  default     = {}
}

variable "prefix" {
  description = "Key prefix in the bucket: launch.sagemaker.s3 is s3://<bucket>/<prefix>."
  type        = string
  default     = "fieldmark"
}

variable "checkpoint_days" {
  description = "Days after which a checkpoint is deleted. A run that waits longer for labels starts from what jobs.py pull brought home."
  type        = number
  default     = 180

  validation {
    condition     = var.checkpoint_days >= 7
    error_message = "Checkpoints younger than a week may be those of a running job."
  }
}

variable "noncurrent_days" {
  description = "Days that replaced and deleted objects can still be had back."
  type        = number
  default     = 30
}

variable "kms_key_arn" {
  description = "KMS key for the bucket and for launch.sagemaker.kms_key; empty: the bucket's own encryption."
  type        = string
  default     = ""
}

variable "force_destroy" {
  description = "Let `terraform destroy` delete a bucket that is not empty, and all models in it."
  type        = bool
  default     = false
}

variable "instance_types" {
  description = "Machines that jobs may use, with * as wildcard: the most that an hour may cost."
  type        = list(string)
  default     = ["ml.g4dn.*", "ml.g5.*", "ml.g6.*", "ml.m5.*", "ml.c5.*"]
}

variable "max_hours" {
  description = "Hours that a job may ask for: with the machine, the most that a job may cost."
  type        = number
  default     = 48
}

variable "launcher_users" {
  description = "IAM users who may submit jobs. Roles, as of IAM Identity Center, take the policy by its ARN."
  type        = list(string)
  default     = []
}

variable "allow_vpc" {
  description = "Let jobs run in subnets of yours: launch.sagemaker.subnets and security_groups."
  type        = bool
  default     = false
}

variable "budget_usd" {
  description = "Dollars a month for everything with the project's tag."
  type        = number
  default     = 100
}

variable "budget_emails" {
  description = "Who gets a mail at 80 % of the budget, and when it will be passed; empty: no budget."
  type        = list(string)
  default     = []
}

variable "enable_ecr" {
  description = "Make a registry for a container of your own (infra/Dockerfile)."
  type        = bool
  default     = false
}

variable "enable_mlflow" {
  description = "Make a managed MLflow tracking server; it costs by the hour, whether used or not."
  type        = bool
  default     = false
}

variable "mlflow_size" {
  description = "Small, Medium or Large."
  type        = string
  default     = "Small"

  validation {
    condition     = contains(["Small", "Medium", "Large"], var.mlflow_size)
    error_message = "Small, Medium or Large."
  }
}

variable "endpoint_url" {
  description = "Address of a stand-in for AWS on this machine; for the tests."
  type        = string
  default     = ""

  validation {
    condition     = var.endpoint_url == "" || can(regex("^http://127\\.0\\.0\\.1:", var.endpoint_url))
    error_message = "A stand-in is at http://127.0.0.1:PORT."
  }
}

variable "lifecycle_rules" {
  description = "Whether the bucket has its lifecycle rules; the tests against a stand-in leave them out."
  type        = bool
  default     = true
}
