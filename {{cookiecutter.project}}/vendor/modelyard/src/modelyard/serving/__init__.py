"""The service: answers rows over HTTP. It never imports `pipeline`."""
