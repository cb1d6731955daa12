//! Where a run ends that would otherwise not: the limits of the language, one constant each.

/// How deep a definition may be nested.
pub const DEPTH: usize = 64;
/// How many rounds a run may make: rounds of loops, retries, and jumps back.
pub const ROUNDS: u32 = 100_000;
/// How many pages one `call: page` asks for, unless `maxItems` is set.
pub const PAGES: u64 = 1_000;
/// How many items `call: page` with `collect: true` holds at most.
pub const COLLECTED_ITEMS: usize = 10_000;
/// How long an exponential or linear delay may grow, in milliseconds: a day.
pub const GROWN_DELAY_MS: i64 = 86_400_000;
/// How long another party may make a retry wait (`Retry-After`), in milliseconds: an hour.
pub const RETRY_AFTER_MS: u64 = 3_600_000;
/// How long a fault's detail may be, in bytes.
pub const DETAIL: usize = 2_048;
