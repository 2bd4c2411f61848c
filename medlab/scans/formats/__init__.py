"""Every other format: one reader a file, and the table that names them (`_table`)."""
