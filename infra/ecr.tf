resource "aws_ecr_repository" "this" {
  count = var.enable_ecr ? 1 : 0

  name                 = var.project
  image_tag_mutability = "IMMUTABLE" # a job's request names the container that really ran
  force_delete         = var.force_destroy

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  count = var.enable_ecr ? 1 : 0

  repository = aws_ecr_repository.this[0].name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "The ten newest containers; one has about 20 GB."
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 10 }
      action       = { type = "expire" }
    }]
  })
}
