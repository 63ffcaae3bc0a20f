//! STIX 2.1: objects that keep their exact bytes, heads, findings, markings.
