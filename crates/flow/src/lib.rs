//! The flow language (Serverless Workflow DSL 1.0.3, Keyway's profile 1): parse, check, interpret.
//!
//! Pure as `oauth` is: no async, clock, randomness, file or network. It knows nothing of OAuth, of HTTP, or of how runs are stored.
