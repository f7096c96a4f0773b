"""The functional core: lists, rules, evidence, decision; knows nothing of the milter protocol or Postfix."""
