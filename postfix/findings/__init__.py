"""What a finding is, and the facts and connectors of Postfix that findings are about.

Asks Postfix; judges nothing.
Begin with ``findings``, then ``service_facts``.
"""
