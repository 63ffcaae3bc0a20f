-- The communities that an object which stands apart is kept to; none where an older build kept it,
-- and then its label alone says who sees it.
ALTER TABLE held_object ADD COLUMN communities TEXT;
