"""What changed in the data: the rows by their ids, or the profiles of the columns."""
