"""What answers a request: bundles, fallback, shadow and traffic split."""
