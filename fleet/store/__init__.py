"""etcd: its servers, transactions and leases, the revisions kept there, and the administrators' keys.

Asks the network; knows nothing of a node's daemon.
Begin with ``repository``, then ``client``.
"""
