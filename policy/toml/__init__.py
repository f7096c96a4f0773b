"""TOML texts edited key by key, with everything else left byte for byte, and faults placed on their lines.

Pure: text in, text out.  Knows no setting of ours.
Begin with ``toml_edit``.
"""
