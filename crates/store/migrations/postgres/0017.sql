-- An object whose marking becomes known later has an entry for those who could see it before, at its
-- old date, and one for those who only now may see it, at a new one. Of the first it is kept here among
-- whom else its class is seen: up to a label (-1: any), of which communities.
ALTER TABLE class ADD COLUMN among_tlp BIGINT NOT NULL DEFAULT -1;
ALTER TABLE class ADD COLUMN among_communities TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE class DROP CONSTRAINT class_spec_tlp_communities_source_unless_key;
ALTER TABLE class ADD UNIQUE
  (spec, tlp, communities, source, unless, among_tlp, among_communities);
