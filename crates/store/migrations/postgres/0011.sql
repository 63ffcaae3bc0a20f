-- Bodies up to 8 kB stay in their row: nearly all of them, which else cost a look into another
-- table and its index each. Rows that are here already stay as they are.
ALTER TABLE blob SET (toast_tuple_target = 8160);
