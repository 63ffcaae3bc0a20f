-- What has no version of its own is found by the one that it is told by: the time of its request.
CREATE INDEX entry_told ON entry (collection, version, class, date_added) WHERE version_key = '';
