"""The default project as it is generated for a Kubernetes cluster, once for each process of the tests."""

from __future__ import annotations

from sample import generate

CLUSTER_SAMPLE = generate(deploy_target="kubernetes")
