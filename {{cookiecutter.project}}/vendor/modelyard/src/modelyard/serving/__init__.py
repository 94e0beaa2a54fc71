"""The service: rows over HTTP. It never imports training."""
