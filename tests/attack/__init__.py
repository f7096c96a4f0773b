"""What enemies do: forgeries by the thousand, and sessions that are meant to be taken for others."""
