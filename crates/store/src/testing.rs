//! Stores for tests
