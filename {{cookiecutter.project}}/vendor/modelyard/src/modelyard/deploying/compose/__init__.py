"""A stage on a Docker host: containers that compose runs, behind HAProxy.

Environment: DOCKER_HOST; DEPLOY_SSH_KEY and DEPLOY_KNOWN_HOSTS (texts) for ssh; DEPLOY_PORT, the port on the host
(8000); DEPLOY_KEYS, the text of the service's keys file (the verb `key` writes one).
"""

# Shown where the variable DEPLOY_HOST is not set. This module needs the standard library only.
UNSET = (
    "Nothing is deployed, because the repository's variable `DEPLOY_HOST` is not set. Set it to a Docker host, such as "
    "`ssh://deploy@host.example.com`, `DEPLOY_KNOWN_HOSTS` to the host's keys, and the secret `DEPLOY_SSH_KEY` to a "
    "private key of that user; the environments `staging` and `production` may have values of their own."
)
