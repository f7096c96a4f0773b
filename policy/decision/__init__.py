"""The decision: from claims and evidence to verdict, reply and mark.

Pure: a function of frozen values and the time.  Knows neither milter nor Postfix.
Begin with ``decision``, then ``methods`` and ``verdict`` (one row for each verdict).
"""
