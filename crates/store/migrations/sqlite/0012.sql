-- The last receipt that the sender got of a statement of which objects stand apart: the next one
-- says again what it said of the others.
ALTER TABLE quarantine ADD COLUMN receipt TEXT;
