"""The engine's HTTP API through the Docker SDK: images, containers, logs, exports."""
