//! Détente, a partner channel: the node and its command line.
