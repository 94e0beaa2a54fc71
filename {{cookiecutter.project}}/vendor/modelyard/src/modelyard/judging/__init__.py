"""Whether a model may ship: the gate, the champion that it is compared with, the policy."""
