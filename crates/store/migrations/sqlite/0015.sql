-- The communities that an item of a release is kept to; none where an older build drafted it, and
-- then its label alone says who sees it.
ALTER TABLE release_item ADD COLUMN communities TEXT;
