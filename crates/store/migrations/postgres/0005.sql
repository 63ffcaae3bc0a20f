-- A page is read from its ranges and the bodies alone: row and size lie in the indexes too.
DROP INDEX entry_class;
DROP INDEX entry_type;
CREATE INDEX entry_class ON entry (collection, class, state, date_added) INCLUDE (row, size);
CREATE INDEX entry_type ON entry (collection, type, class, state, date_added) INCLUDE (row, size);
