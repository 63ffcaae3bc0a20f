//! Worlds for tests: fake clock, seeded randomness, an in-memory network, N nodes in one thread.
