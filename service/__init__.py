"""The inference service: exported models over HTTP and gRPC."""
