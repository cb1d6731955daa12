//! What an evaluation may use at most.

/// Limits of one evaluation. The same program on the same input reaches them, or not, on every machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps: terms evaluated, elements looked at by functions, 32 bytes copied.
    pub fuel: u64,
    /// Outputs.
    pub outputs: usize,
    /// Bytes of JSON of all outputs together.
    pub output_bytes: usize,
    /// Nesting of values: input, output and everything between. JSON of more than 127 levels can't be read back.
    pub depth: usize,
    /// Bytes of all values made during the evaluation.
    pub memory: u64,
    /// Bytes of stack; a net below the rules for light programs, which never come near it.
    pub stack: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            fuel: 1_000_000,
            outputs: 10_000,
            output_bytes: 1024 * 1024,
            depth: 127,
            memory: 64 * 1024 * 1024,
            stack: 1024 * 1024,
        }
    }
}

impl Limits {
    /// For the worker: its process is limited too, and ended on its deadline.
    pub fn heavy() -> Limits {
        Limits {
            fuel: 20_000_000,
            memory: 1024 * 1024 * 1024,
            stack: 4 * 1024 * 1024,
            ..Limits::default()
        }
    }
}
