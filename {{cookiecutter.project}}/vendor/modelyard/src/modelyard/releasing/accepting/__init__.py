"""The last test of the service's image before it is pushed: run as it will be deployed, it is asked over HTTP."""
