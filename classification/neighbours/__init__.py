"""Nearest neighbours of embeddings: exact in bounded memory, or by cells where there are millions.

from classification.neighbours import knn_graph, neighbours_of
graph = knn_graph(embeddings, 10, metric="cosine")
"""

from classification.neighbours.graph import NeighbourGraph, knn_graph, neighbours_of

__all__ = ["NeighbourGraph", "knn_graph", "neighbours_of"]
