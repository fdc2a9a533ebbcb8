"""The model registry: what a version holds, who is champion, and getting a model out again."""
