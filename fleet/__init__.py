"""A fleet of edges: the policy they share in etcd, how each of them applies it, and what they report."""
