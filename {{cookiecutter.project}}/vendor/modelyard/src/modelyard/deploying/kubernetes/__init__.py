"""A stage in a Kubernetes namespace: Deployments behind a weighted route, by kubectl.

Environment: KUBECONFIG, or DEPLOY_KUBECONFIG with its text.
"""

# Shown where the variable DEPLOY_HOST is not set. This module needs the standard library only.
UNSET = (
    "Nothing is deployed, because the repository's variable `DEPLOY_HOST` is not set. Set it to the cluster's address, "
    "and the secret `DEPLOY_KUBECONFIG` of the environments `staging` and `production` to a kubeconfig of each."
)
