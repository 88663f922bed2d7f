"""Building images: BuildKit over gRPC as buildx does, over the HTTP API, and the classic builder."""
