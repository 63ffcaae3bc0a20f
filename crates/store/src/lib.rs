//! Everything the node keeps: all SQL, named transactions, outbox, inbox, leases.
