"""The functional core: lists, rules, evidence, decision; knows nothing of libmilter or Postfix."""
