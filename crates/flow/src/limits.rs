//! Where a text or a run ends that would otherwise not: the limits of the language, one constant each.

/// How many bytes a flow's text has at most.
pub const SOURCE: usize = 1024 * 1024;
/// How deep a definition may be nested.
pub const DEPTH: usize = 64;
/// How many maps, lists and scalars a text holds, aliases followed.
pub const NODES: usize = 50_000;
/// How many aliases a text uses.
pub const ALIASES: usize = 100;
/// How deep the schemas of a JSON Schema are nested for one value, references followed. A value may be nested too, and a check of
/// it needs a stack for both.
pub const SCHEMA_DEPTH: usize = 32;
/// How many tasks a flow has, those of its functions too.
pub const TASKS: usize = 1_000;
/// How many different expressions a flow has.
pub const EXPRESSIONS: usize = 5_000;
/// How many findings are reported of one text.
pub const FINDINGS: usize = 50;
/// How many characters the name of a task or secret has.
pub const NAME: usize = 256;
/// How many seconds lie between two starts of a schedule, at least.
pub const EVERY_SECONDS: i64 = 10;
/// How many seconds the caller of a hook waits for an answer, at most.
pub const HOOK_WAIT_SECONDS: i64 = 300;
/// How many rounds a run may make: rounds of loops, retries, and jumps back.
pub const ROUNDS: u32 = 100_000;
/// How many events wait for a `listen`, or for a run that does not listen, at most.
pub const EVENTS: usize = 10_000;
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
