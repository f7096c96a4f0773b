"""The DKIM signatures of one message: gathered while it arrives, then checked.

Pure; keys are asked for through an interface.
Begin with ``signed_message``, then ``dkim_signature``.
"""
