"""How a commit is proven: its lock, a place to retrain it in, and the comparison with what it holds."""
