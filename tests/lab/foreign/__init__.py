"""Other people's mail servers, in the place of Woodgrove's Postfix: what is tried of interoperability.

Owns: where their programs come from, how each is started, and how what became of a message is read from it.
How each is configured is not told here: that is in ``docs/interoperability.md``, from where the laboratory
takes it to the letter.  Must not know: the product, but for ``interoperability``, which tries both sides.
"""
