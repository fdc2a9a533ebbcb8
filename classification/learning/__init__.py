"""Backbones, embeddings and classifier heads; where labels come from is not its business."""
