"""How the gate judges a model: the policy, the comparison with the champion, the rules, the verdict."""
