"""Many strategies under one protocol: which is better, by how much, and whether it is luck."""
