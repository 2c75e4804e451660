"""Row types and their Arrow schemas: what one row of each table is. No behaviour beyond validation."""
