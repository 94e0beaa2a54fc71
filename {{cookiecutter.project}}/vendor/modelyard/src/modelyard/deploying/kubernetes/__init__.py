"""A stage in a Kubernetes namespace: Deployments behind a weighted route, by kubectl."""
